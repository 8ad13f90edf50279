"""Carrying out the commands of a pull request, in the order in which they were written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import structlog
from sqlalchemy import Connection

from bot import correlation
from bot.commands import VERBS
from bot.commands.case import Case, Deed, Outcome, Seen, waits
from bot.commands.kept import from_json
from bot.decide.gates import gates
from bot.decide.grounds import grounds
from bot.decide.pull_facts import Verb
from bot.decide.transitions import DEPLOYMENT_FINISHED
from bot.errors import HeadwaterError, StoreError
from bot.github.errors import GitHubError
from bot.github.limits import Priority
from bot.hosting.project import HostedProject
from bot.server import Server
from bot.store import audit, conversation, gathering, publications, views
from bot.store.conversation import CommandRow, CommandState
from bot.store.publications import Kind
from bot.submit import LockedElsewhere
from bot.working.gathering import actor, asked, pull_facts
from bot.working.places import hosted_of
from bot.working.pulling import fetch, keep_told
from bot.working.voiding import void_former
from planner.problems import PlannerError
from planner.selection import UpstreamNotDeployed

RefusalRow = tuple[str, str, str, tuple[str, ...]]
"""Code, what is not met, what to do about it, and what it is about."""

_log = structlog.get_logger("headwater.command")
_NO_CODE = HeadwaterError.code
_QUESTIONS = frozenset({Verb.HELP, Verb.STATUS, Verb.EXPLAIN})
_ABOVE = "for the command above it"


def carry_out(server: Server, key: str) -> float | None:
    """Carry out what was written on a pull request and is not done yet; seconds until to look again, if so."""
    github_id, _, number = key.partition(":")
    hosted = hosted_of(server, int(github_id))
    if hosted is None:
        return None
    with server.database.reading() as connection:
        rows = conversation.commands_of(connection, hosted.id, int(number), conversation.UNDER_WAY)
    if not rows:
        return None
    project = server.project(hosted)
    again: float | None = None
    waiting: set[int] = set()  # comments of which a line waits: those after it wait too
    greeted: set[int] = set()
    for read in rows:
        row = _as_it_is(server, read)
        if row is None or row.comment in waiting:
            continue
        if row.state is CommandState.NEW and row.comment not in greeted:
            greeted.add(row.comment)
            _greet(server, project, row)
        if _at_work_above(server, row):
            if row.waits != _ABOVE:
                _do(server, row, partial(_write, server, row, waits(_ABOVE)))
            again = server.settings.poll_seconds
        elif _caused(server, project, row) is not CommandState.WAITS:
            continue
        waiting.add(row.comment)
    server.wake()
    return again


def _as_it_is(server: Server, row: CommandRow) -> CommandRow | None:
    """The command now: one before it may have called it off."""
    with server.database.reading() as connection:
        current = conversation.command(connection, row.id)
    return current if current is not None and current.state is row.state else None


def _at_work_above(server: Server, row: CommandRow) -> bool:
    """Whether what a command above this one in its comment has started goes on (what waits for people does not)."""
    if row.state not in conversation.UNFINISHED:
        return False
    with server.database.reading() as connection:
        before = [
            one
            for one in conversation.commands_of(connection, row.repository, row.number)
            if one.comment == row.comment and one.line < row.line
        ]
        numbers = [number for one in before for number in (*one.deployments, *one.answer.get("moved", ()))]
        found = [views.deployment(connection, number) for number in numbers]
        return any(
            not gathering.waits_for_people(connection, one.id)
            for one in found
            if one is not None and one.state not in DEPLOYMENT_FINISHED
        )


def _greet(server: Server, project: HostedProject, row: CommandRow) -> None:
    """Tell by a reaction that a comment was seen; nothing waits for that, whatever keeps it from being made."""
    with suppress(GitHubError):
        server.client(project.hosted).at(Priority.COSMETIC).react(row.comment, "eyes")


def _caused(server: Server, project: HostedProject, row: CommandRow) -> CommandState:
    """Carry one out, on account of the webhook that brought it, whatever else woke us."""
    with correlation.bound(row.correlation or correlation.current()):
        state = _one(server, project, row)
        _log.info("command", verb=row.verb, number=row.number, by=row.actor, state=state.value)
        return state


def _one(server: Server, project: HostedProject, row: CommandRow) -> CommandState:
    if not row.verb:
        return _write(server, row, Outcome(CommandState.REFUSED))
    client = server.client(project.hosted)
    told = client.pull(row.number)
    fetch(project, told)
    pull = keep_told(server, project, told)
    void_former(server, pull)
    command = from_json(row.verb, row.line, row.command)
    case = Case(server, project, pull, told, row, command, Seen(server, project, pull))
    if row.state is CommandState.GOING:
        return _carried_out(server, row, VERBS[row.verb].follow(case), case)
    definitions = project.default_definitions()
    who = actor(client, row.actor, definitions.permissions)
    facts = pull_facts(case, definitions.requirements, client)
    wants, rules = asked(case, who), (definitions.permissions, definitions.requirements)
    refusals = gates(wants, facts, *rules)
    if refusals:
        lines = [(one.code.value, one.message, one.mend, one.names) for one in refusals]
        return _do(server, row, partial(_refuse, server, case, lines))
    case = replace(case, allowed=grounds(wants, facts, *rules))
    try:
        return _carried_out(server, row, VERBS[row.verb].act(case), case)
    except LockedElsewhere as error:
        return _carried_out(server, row, waits(f"for {error.what}"), case)
    except (StoreError, GitHubError):
        raise  # not the command's fault: tried again
    except (HeadwaterError, PlannerError) as error:
        return _do(server, row, partial(_refuse, server, case, _refused(error)))


def _carried_out(server: Server, row: CommandRow, found: Outcome | Deed, case: Case) -> CommandState:
    def deed() -> CommandState:
        return _write(server, row, found if isinstance(found, Outcome) else found(), case)

    return _do(server, row, deed)


def _do(server: Server, row: CommandRow, deed: Callable[[], CommandState]) -> CommandState:
    """Do what is kept together, as long as the command stands as it was read: whoever is cut off has done nothing."""
    with server.database.writing() as connection:
        current = conversation.command(connection, row.id, lock=True)
        if current is None or (current.state, current.deployments) != (row.state, row.deployments):
            raise StoreError("this command was carried out or called off meanwhile", "nothing: it is read again")
        return deed()


def _refused(error: HeadwaterError | PlannerError) -> tuple[RefusalRow, ...]:
    """What failed, as something that is not met: what it is, and what to do."""
    if isinstance(error, HeadwaterError):
        return ((error.code, error.what, error.mend, error.names),)
    if isinstance(error, UpstreamNotDeployed):
        return ((_NO_CODE, error.what, error.mend, error.aliases),)
    lines = [line.partition("; ") for line in str(error).splitlines() if line]
    return tuple((_NO_CODE, what, mend, ()) for what, _, mend in lines)


def _refuse(server: Server, case: Case, refusals: Sequence[RefusalRow]) -> CommandState:
    answer: dict[str, object] = {"refusals": [[*texts, list(names)] for *texts, names in refusals]}
    lines = [f"{told}{': ' if names else ''}{', '.join(names)}; {mend}" for _, told, mend, names in refusals]
    no = _No(case, tuple(code for code, *_ in refusals), "\n".join(line.removesuffix("; ") for line in lines))
    return _keep(server, case.row, CommandState.REFUSED, "", answer, no)


@dataclass(frozen=True, slots=True)
class _No:
    """That a command was refused, as the audit log has it."""

    case: Case
    codes: tuple[str, ...]
    told: str

    def record(self, connection: Connection, now: float) -> None:
        """Write it down, with the environments that it named; who only asks a question asks for no deed."""
        case, command = self.case, self.case.command
        if command.verb in _QUESTIONS:
            return
        audit.refused(
            connection,
            case.by,
            command.verb,
            now,
            repository=case.hosted.full_name,
            names=(*command.patterns, *command.from_),
            commit=case.pull.head,
            codes=self.codes,
            detail=self.told,
        )


def _write(server: Server, row: CommandRow, outcome: Outcome, case: Case | None = None) -> CommandState:
    answer = {**row.answer, "said": list(outcome.said)} if outcome.said or row.answer else {}
    if outcome.answer:
        answer["text"] = outcome.answer
    if outcome.moved:
        answer["moved"] = list(outcome.moved)
    no = _No(case, (_NO_CODE,), "\n".join(outcome.said)) if case and outcome.state is CommandState.REFUSED else None
    return _keep(server, row, outcome.state, outcome.waits, answer, no)


def _keep(
    server: Server,
    row: CommandRow,
    state: CommandState,
    waits: str,
    answer: dict[str, object],
    no: _No | None = None,
) -> CommandState:
    now = time.time()
    with server.database.writing() as connection:
        if no is not None:
            no.record(connection, now)
        conversation.set_command(connection, row.id, state=state, waits=waits, answer=answer)
        current = conversation.command(connection, row.id)
        publications.want(
            connection,
            row.repository,
            Kind.COMMAND,
            str(row.id),
            now,
            number=row.number,
            deployments=current.deployments if current else (),
        )
    return state
