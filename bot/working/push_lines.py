"""What is said of a push beside its table: lines for people, a few for however many environments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.decide.pushed import Chosen
from bot.preparing.situation import Prepared
from bot.render.markdown import typed
from bot.since import unfinished
from bot.store.environments import EnvironmentRow
from planner.definition import Removal

_MOST_NAMES = 8
SKIPPED = "Not deployed: the message of the merge says so."


def already(found: Mapping[int, tuple[str, ...]], told_on: int | None) -> list[str]:
    """What pull requests had deployed already; `told_on` is the one that this is told on."""
    lines = []
    for number, aliases in sorted(found.items(), key=lambda one: (one[0] != told_on, one[0])):
        where = "this pull request" if number == told_on else f"#{number}"
        lines.append(f"Already deployed from {where}, with the same inputs: {named(aliases)}")
    return lines


def left_out(choice: Chosen, brought: frozenset[str]) -> list[str]:
    """What nobody deploys by a merge alone, where this push brought it: else it would be told at every merge."""
    strangers = [alias for alias in choice.strangers if alias in brought]
    if not strangers:
        return []
    one = len(strangers) == 1
    again = "was never deployed by Headwater, and no plan of it" if one else "were never deployed, and no plan of them"
    lines = [
        f"Not deployed: {named(strangers)} {again} was shown. On an open pull request, `/adopt` takes over what exists "
        "already; what is new is shown and deployed there by its name, with `/plan` and `/deploy`."
    ]
    if choice.behind:
        needs = "needs" if len(choice.behind) == 1 else "need"
        lines.append(
            f"Left out too, for {'it' if len(choice.behind) == 1 else 'they'} {needs} that: {named(choice.behind)}"
        )
    return lines


def removed(prepared: Prepared, had: frozenset[tuple[str, str]]) -> list[str]:
    """What becomes of what is there and gone from the file; doubts are told only if the branch `had` it just now."""
    there = [row for row in prepared.removed if row.deployed or unfinished(row)]
    if prepared.workflow.removal is Removal.DETACH:
        return [_forgotten(prepared, row) for row in there]
    doubtful = [row for row in there if row in prepared.doubtful and (row.file, row.key) in had]
    leaving = [row for row in there if row not in prepared.doubtful]
    return [*(_to_be_destroyed(prepared, row) for row in leaving), *(_in_doubt(prepared, row) for row in doubtful)]


def still_held(
    prepared: Prepared, rows: Iterable[tuple[EnvironmentRow, int]], had: frozenset[tuple[str, str]]
) -> list[str]:
    """What is gone from the file and belongs to an open pull request, which may deploy it; told once, as the above."""
    return [
        f"{_gone(prepared, row)}, and belongs to #{number}: Headwater forgets it with the first push after that is "
        "merged, restored or unlocked."
        for row, number in rows
        if (row.file, row.key) in had
    ]


def _gone(prepared: Prepared, row: EnvironmentRow) -> str:
    return f"{named([row.alias])} is gone from `{prepared.workflow.file}`"


def _forgotten(prepared: Prepared, row: EnvironmentRow) -> str:
    stays = f"What it deployed at `{row.commit[:7]}`" if row.commit else "What it may have deployed"
    return f"{_gone(prepared, row)}, so Headwater forgets it. {stays} stays as it is, and nothing here looks after it."


def _to_be_destroyed(prepared: Prepared, row: EnvironmentRow) -> str:
    return f"{_gone(prepared, row)}: its destroy waits for approval."


def _in_doubt(prepared: Prepared, row: EnvironmentRow) -> str:
    destroy = f"/destroy {typed(row.alias)} --confirm {typed(prepared.workflow.name)}"
    return (
        f"{_gone(prepared, row)}, and is left as it is, for it may have been renamed. If it is not needed any more, "
        f"write `{destroy}` on an open pull request."
    )


def renamed(prepared: Prepared) -> list[str]:
    """What is called otherwise now."""
    moves = sorted((alias, prepared.moves[row.id]) for alias, row in prepared.rows.items() if row.id in prepared.moves)
    followed = prepared.identities.followed if prepared.identities is not None else {}
    files = [
        f"`{old}` is now `{new}`: its workflow went along."
        for old, new in followed.items()
        if new == prepared.workflow.file
    ]
    return files + [
        f"{named([before])} is now {named([now])}: its state and history went along."
        for now, before in moves
        if now != before
    ]


def named(aliases: Iterable[str]) -> str:
    """Some names, and how many more there are."""
    every = [f"`{one.replace('`', chr(39))}`" for one in aliases]
    if len(every) > _MOST_NAMES:
        return f"{', '.join(every[: _MOST_NAMES - 1])} and {len(every) - _MOST_NAMES + 1} more"
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)
