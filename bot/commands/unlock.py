"""`/unlock`: free what a pull request holds."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from bot.commands.base import WORKFLOW, Verb
from bot.commands.case import Case, Deed, Outcome, done, refused
from bot.commands.choosing import meant, unmet
from bot.decide.comment import Argument, Grammar, Option
from bot.errors import WrongUse
from bot.runner.spec import LOCK_ID
from bot.store import locks
from bot.store.locks import Lock
from bot.unlocking import submit_unlock
from bot.working.ending import freed
from bot.working.requesting import recorder
from bot.working.voiding import at_work, lock_for, void_held
from planner.nearest import nearest


def act(case: Case) -> Outcome | Deed:
    """Free environments: those of this pull request, or the named ones, whoever holds them."""
    if case.command.state is not None:
        return _free_state(case, case.command.state)
    return partial(_free, case)


def _free(case: Case) -> Outcome:
    now = time.time()
    with case.server.database.writing() as connection:
        lock_for(connection, _chosen(case, connection)[1])
        held, chosen = _chosen(case, connection)  # nobody takes or gives back any of them by now
        void_held(connection, chosen, now)
        busy = at_work(connection, chosen)
        for one in chosen:
            locks.release(connection, one.pull, case.by, now, [one.environment])
        if chosen:
            freed(connection, case.hosted, [one.number for one in chosen], now)
    not_done = [_unknown(name, [one.alias for one in held]) for name in unmet(case.command, held)]
    if not chosen:
        return refused(*(not_done or ["This pull request holds nothing."]))
    return done(*(_told(one, busy.get(one.environment)) for one in chosen), *not_done)


def _chosen(case: Case, connection: Connection) -> tuple[list[Lock], list[Lock]]:
    """All that is locked, and what of it is meant."""
    held = locks.of_repository(connection, case.hosted.id)
    mine = held if case.command.patterns else [one for one in held if one.pull == case.pull.id]
    return held, list(meant(case.command, mine))


def _told(one: Lock, busy: int | None) -> str:
    still = f", and a job of its deployment {busy} still works on it" if busy is not None else ""
    return f"`{one.alias}`: free; #{one.number} held it{still}"


def _unknown(name: str, held: Sequence[str]) -> str:
    near = nearest(name, held)
    return f"`{name}`: nothing that is locked is called that" + (f"; did you mean `{near}`?" if near else "")


def _free_state(case: Case, lock: str) -> Deed:
    """Have a job free the lock on the state of the environment that is named."""
    if not re.fullmatch(LOCK_ID, lock):
        raise WrongUse("that is no id of a lock", "copy it from what the tool said: ID, below Lock Info")
    found = meant(case.command, [row for row in case.rows if row.used])
    if len(found) != 1:
        alias = case.command.patterns[0]
        raise WrongUse(f"`{alias}` is no environment that Headwater knows", "name the one whose state is locked")

    def deed() -> Outcome:
        submit_unlock(case.project, found[0], lock, by=case.by, pull=case.pull.id, also=recorder(case))
        return done()

    return deed


VERB = Verb(
    Grammar(
        verb="unlock",
        summary="Free environments that a pull request holds, or the lock of a Terraform state",
        usage=("/unlock [ENV…] [--workflow NAME]", "/unlock ENV --state ID"),
        argument=Argument.ENVIRONMENTS,
        options=(
            WORKFLOW,
            (Option.STATE, "Free the lock with this id on the state of one environment. For admins."),
        ),
        examples=(
            ("/unlock", "all that this pull request holds"),
            ("/unlock db", "`db`; if another pull request holds it, for admins"),
            ("/unlock db --state 5b0e7c1a-9d2f", "the lock with this ID on the state of `db`"),
        ),
        more=(
            "An environment that was deployed from a pull request belongs to it until it is merged. Freed, another "
            "pull request may deploy over it, and what was to be deployed of it and has no job yet is called off; what "
            "has one goes on, but not to an approval.\n\n"
            "A Terraform that was killed may leave its state locked: the next deploy fails and tells the lock's ID, "
            "its holder and its age. With `--state ID` a job of its own frees that lock and no other, unless something "
            "of ours is still at work there."
        ),
    ),
    act=act,
)
