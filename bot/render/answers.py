"""Answers to those who ask: how workflows stand, what can be said; and small notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.render.fitting import COMMENT, most_that_fit
from bot.render.markdown import Markdown, code, commit_link, marker, prose, pull_link
from bot.render.steps import Step, command
from bot.render.tables import Table, table_of_columns
from bot.render.templating import rendered
from bot.render.words import when

if TYPE_CHECKING:  # they come with the whole of git and the store
    from bot.standing import EnvironmentStanding, Standing

_SIGNS = {
    "deployed": "✓",
    "in progress": "◐",
    "lost": "!",
    "needs approval": "!",
    "failed": "✗",
    "blocked": "⊘",
    "cancelled": "⊘",
    "destroyed": "–",
}
_STRONG = frozenset({"failed", "lost", "needs approval"})
_STUCK = _STRONG | {"blocked"}
_MOST_EXPLAINED = 3
_MOST_PARAGRAPHS = 20


def notice(text: str, *, key: str = "-") -> str:
    """A small answer: each paragraph as prose, commands and what it has in `…` as code."""
    paragraphs = [prose(one, 2_000) for one in text.split("\n\n") if one.strip()][:_MOST_PARAGRAPHS]
    return rendered("notice.md.j2", marker=marker("notice", key), paragraphs=paragraphs)


def help_comment(commands: Sequence[tuple[str, str]], *, key: str = "-") -> str:
    """What can be said here: each command as it is typed, and what it does."""
    columns = {"Command": [code(usage, 200) for usage, _ in commands], "": [prose(text) for _, text in commands]}
    return rendered("help-comment.md.j2", marker=marker("help", key), table=table_of_columns(columns))


@dataclass(frozen=True, slots=True)
class _Standing:
    """One workflow, ready to be printed."""

    title: Markdown
    table: Table


def status_comment(
    standings: Sequence[Standing],
    *,
    held: Mapping[int, str] | None = None,
    repository_url: str = "",
    key: str = "-",
) -> str:
    """How every workflow stands, with its environments; `held`: by an environment's id, who holds it (`#12`)."""
    most = sum(len(one.environments) for one in standings)
    steps = _what_is_stuck(standings)

    def render(number: int) -> str:
        parts, rest = [], number
        for one in standings:
            parts.append(_standing(one, rest, held or {}, repository_url))
            rest = max(rest - len(one.environments), 0)
        return rendered("status-comment.md.j2", marker=marker("status", key), parts=parts, steps=steps)

    return render(most_that_fit(render, most, COMMENT))


def _standing(one: Standing, most: int, held: Mapping[int, str], repository_url: str) -> _Standing:
    shown = one.environments[:most]
    columns = {
        "Environment": [code(each.alias) for each in shown],
        "State": [_state(each) for each in shown],
        "Held by": [_holder(held.get(each.id, "") if each.id is not None else "", repository_url) for each in shown],
        "Commit": [commit_link(each.commit, repository_url) if each.commit else Markdown() for each in shown],
        "Deployed": [Markdown(when(each.deployed_at).replace(" ", "\N{NO-BREAK SPACE}")) for each in shown],
    }
    title = Markdown(f"{prose(one.workflow.name, 80)}: {one.summary}")
    return _Standing(title, table_of_columns(columns, len(one.environments) - len(shown)))


def _what_is_stuck(standings: Sequence[Standing]) -> tuple[Step, ...]:
    """What to type to learn why environments do not go on, and what would free them."""
    stuck = [
        command("explain", each.alias, workflow=one.workflow.name if len(standings) > 1 else "")
        for one in standings
        for each in one.environments
        if each.state in _STUCK
    ]
    return (Step(Markdown("Why, and what would free it:"), "\n".join(stuck[:_MOST_EXPLAINED])),) if stuck else ()


def _holder(name: str, repository_url: str) -> Markdown:
    return pull_link(name, repository_url) if name else Markdown()


def _state(one: EnvironmentStanding) -> Markdown:
    words = f"**{one.state}**" if one.state in _STRONG else one.state
    note = f": {prose(one.note.replace('deployment #', 'deployment '), 120)}" if one.note else ""
    return Markdown(f"{_SIGNS.get(one.state, '○')}\N{NO-BREAK SPACE}{words}{note}")
