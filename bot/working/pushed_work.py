"""What of a workflow goes on when a branch has moved, and what is told of the rest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select

from bot.decide.pushed import Before, chosen, freed
from bot.hosting.project import HostedProject
from bot.preparing.situation import Prepared
from bot.server import Server
from bot.store import locks, needs
from bot.store.tables import tasks
from bot.submit import Planned
from bot.working import merges, push_lines
from bot.working.merges import Push
from bot.working.push_telling import Telling
from bot.working.pushed_facts import before, facts_of
from planner.definition import Removal


def without_made_elsewhere(
    project: HostedProject, push: Push, prepared: Sequence[Prepared], held: Collection[int]
) -> list[Prepared]:
    """What an open pull request has made and holds is no matter of a branch that never had it."""
    rows = [row for one in prepared for row in one.removed if row.id in held]
    theirs = merges.introduced(project, push.commit, rows)
    return [replace(one, removed=tuple(row for row in one.removed if row.id not in theirs)) for one in prepared]


def told_anew(push: Push) -> tuple[Push, bool]:
    """The same push, and whether its merge is known only now: GitHub told of it before it knew whose it is.

    What was said then, of what nobody seemed to have seen a plan of, is forgotten.
    """
    here = push.here
    if here is None or here.number is not None or push.told_on is None:
        return push, False
    return replace(push, here=replace(here, said=(), loud=())), True


def not_made(project: HostedProject, prepared: Prepared, numbers: Sequence[int]) -> Prepared:
    """What of a workflow had no task in these deployments."""
    with project.database.reading() as connection:
        had = set(
            connection.execute(select(tasks.c.environment_id).where(tasks.c.deployment_id.in_(numbers))).scalars()
        )
    order = tuple(one for one in prepared.order if one not in prepared.rows or prepared.rows[one].id not in had)
    return replace(prepared, order=order, removed=tuple(row for row in prepared.removed if row.id not in had))


def at_first(
    project: HostedProject,
    push: Push,
    prepared: Prepared,
    shown: Mapping[int, Planned],
    held: Mapping[int, locks.Lock],
    telling: Telling,
) -> list[Prepared]:
    """What of a workflow goes on when a commit is looked at for the first time; the rest is told."""
    kept = [row for row in prepared.removed if row.id in held and prepared.workflow.removal is Removal.DETACH]
    prepared = replace(prepared, removed=tuple(row for row in prepared.removed if row not in kept))
    choice = chosen(prepared.graph, facts_of(prepared, shown, merges.ahead(project, prepared, held)))
    if choice.strangers:
        telling.said += push_lines.left_out(choice, merges.brought(project, push, prepared.workflow.file))
    had = merges.had(project, push) if prepared.doubtful or kept or prepared.moves else frozenset()
    prepared = _without_their_moves(replace(prepared, order=choice.order), held, had)
    telling.loud += push_lines.removed(prepared, had)
    telling.loud += push_lines.still_held(prepared, [(row, held[row.id].number) for row in kept], had)
    telling.said += push_lines.renamed(prepared)
    return [prepared] if _has_work(prepared) else []


def _without_their_moves(prepared: Prepared, held: Collection[int], had: Collection[tuple[str, str]]) -> Prepared:
    """The same, without the moves that only undo what an open pull request calls anew, and holds."""
    theirs = {
        row.id
        for alias, row in prepared.rows.items()
        if row.id in held and alias not in prepared.order and (prepared.workflow.file, alias.casefold()) in had
    }
    moves = {number: former for number, former in prepared.moves.items() if number not in theirs}
    who = prepared.identities
    if who is not None and not prepared.order and not moves:
        who = replace(who, followed={})
    return replace(prepared, moves=moves, identities=who)


def once_more(
    server: Server,
    project: HostedProject,
    push: Push,
    prepared: Prepared,
    numbers: Sequence[int],
    held: Collection[int],
) -> list[Prepared]:
    """What of a workflow goes on where the commit was deployed before: what waited for others, and waits no more."""
    here = {alias: prepared.rows[alias].id for alias in prepared.order if alias in prepared.rows}
    later = merges.changed_later(project, push, prepared.workflow)
    with server.database.reading() as connection:
        then = before(connection, numbers, held)
        needed = needs.needed(connection, needs.OWN.c.deployment_id.in_(numbers))
    left = {*here.values(), *(row.id for row in prepared.removed)}
    named = [*here.items(), *((row.alias, row.id) for row in prepared.removed)]
    then |= {number: Before.STUCK for alias, number in named if alias in later}
    going = freed(needed, {one: came for one, came in then.items() if one in left})
    order = tuple(alias for alias in prepared.order if here.get(alias) in going)
    leaving = tuple(row for row in prepared.removed if row.id in going)
    return [replace(prepared, order=order, removed=leaving, doubtful=(), moves={})] if order or leaving else []


def _has_work(prepared: Prepared) -> bool:
    """Whether there is something to do: also to forget, to destroy, or to write down a new name."""
    destroys = prepared.workflow.removal is Removal.DESTROY
    leaving = [row for row in prepared.removed if not (destroys and row in prepared.doubtful)]
    return bool(prepared.order or prepared.moves or leaving)
