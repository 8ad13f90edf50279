"""Answers to those who ask: how workflows stand, where an environment is, what can be said; and small notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.decide.meaning import meaning
from bot.decide.transitions import Code, TaskState
from bot.render.fitting import COMMENT, most_that_fit
from bot.render.markdown import Markdown, code, codes, commit_link, marker, prose, pull_link
from bot.render.models import Row
from bot.render.steps import Step, command
from bot.render.tables import Table, table_of_columns
from bot.render.templating import rendered
from bot.render.words import state_words, when, why

if TYPE_CHECKING:  # they come with the whole of git and the store
    from bot.explaining import Explanation
    from bot.standing import EnvironmentStanding, Standing
    from bot.store.views import TaskView

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
    held: Mapping[tuple[str, str], str] | None = None,
    repository_url: str = "",
    key: str = "-",
) -> str:
    """How every workflow stands, with its environments; `held`: by file and key of an alias, who holds it (`#12`)."""
    most = sum(len(one.environments) for one in standings)

    def render(number: int) -> str:
        parts, rest = [], number
        for one in standings:
            parts.append(_standing(one, rest, held or {}, repository_url))
            rest = max(rest - len(one.environments), 0)
        return rendered("status-comment.md.j2", marker=marker("status", key), parts=parts)

    return render(most_that_fit(render, most, COMMENT))


def _standing(one: Standing, most: int, held: Mapping[tuple[str, str], str], repository_url: str) -> _Standing:
    shown = one.environments[:most]
    columns = {
        "Environment": [code(each.alias) for each in shown],
        "State": [_state(each) for each in shown],
        "Held by": [
            _holder(held.get((one.workflow.file, each.alias.casefold()), ""), repository_url) for each in shown
        ],
        "Commit": [commit_link(each.commit, repository_url) if each.commit else Markdown() for each in shown],
        "Deployed": [Markdown(when(each.deployed_at).replace(" ", "\N{NO-BREAK SPACE}")) for each in shown],
    }
    title = Markdown(f"{prose(one.workflow.name, 80)}: {one.summary}")
    return _Standing(title, table_of_columns(columns, len(one.environments) - len(shown)))


def _holder(name: str, repository_url: str) -> Markdown:
    return pull_link(name, repository_url) if name else Markdown()


def _state(one: EnvironmentStanding) -> Markdown:
    words = f"**{one.state}**" if one.state in _STRONG else one.state
    note = f": {prose(one.note.replace('deployment #', 'deployment '), 120)}" if one.note else ""
    return Markdown(f"{_SIGNS.get(one.state, '○')}\N{NO-BREAK SPACE}{words}{note}")


def explain_comment(found: Explanation, *, repository_url: str = "", key: str = "-") -> str:
    """Why an environment is where it is, and what would move it."""
    return rendered(
        "explain-comment.md.j2",
        marker=marker("explain", key),
        alias=code(found.alias),
        workflow=prose(found.workflow, 80),
        lines=_lines(found, repository_url),
        steps=_advice(found),
    )


def _lines(found: Explanation, repository_url: str) -> list[Markdown]:
    lines = [_deployed(found, repository_url)]
    if found.gone:
        lines.append(Markdown("gone from the workflow file"))
    if found.disabled:
        lines.append(Markdown("disabled in the workflow file: left out, what needs it waits for what it needs"))
    if found.needs:
        lines.append(Markdown(f"needs {codes(found.needs, 10)}"))
    lines += _of_task(found, found.task, repository_url) if found.task is not None else []
    if found.reasons:
        since = "changed since it was last deployed" if found.deployed else "would be deployed, since"
        lines.append(Markdown(f"{since}: {why(found.reasons, 5)}"))
    elif found.deployed and not found.disabled and not found.gone:
        lines.append(Markdown("unchanged since it was last deployed"))
    return lines


def _deployed(found: Explanation, repository_url: str) -> Markdown:
    if not found.deployed:
        return Markdown("not deployed")
    return Markdown(f"deployed at {commit_link(found.commit or '', repository_url)} on {when(found.deployed_at)}")


def _of_task(found: Explanation, task: TaskView, repository_url: str) -> list[Markdown]:
    words = state_words(_as_row(task), repository_url)
    means = meaning(task.state, task.code, begun=task.started_at is not None)
    detail = f": {prose(task.detail, 600)}" if task.detail and task.state is TaskState.FAILED else ""
    lines = [Markdown(f"{words} (deployment {found.deployment}): {means}{detail}")]
    if found.rival is not None:
        lines.append(Markdown(f"queued behind deployment {found.rival}, which works on it"))
    if task.waits_for:
        lines.append(Markdown(f"{codes(task.waits_for, 10)}: not done yet"))
    return lines


def _as_row(task: TaskView) -> Row:
    return Row(
        task.alias,
        state=task.state,
        code=task.code,
        detail=task.detail,
        action=task.action,
        waits_for=task.waits_for,
        behind=task.behind,
    )


def _advice(found: Explanation) -> list[Step]:
    """What would start it."""
    task = found.task
    if found.gone:
        asks = task is not None and task.state is TaskState.NEEDS_APPROVAL
        return [_step(command("approve" if asks else "destroy", found.alias))]
    if task is None or task.state in (TaskState.SUCCEEDED, TaskState.SKIPPED) or task.code is Code.SUPERSEDED:
        whole = command("deploy") if found.absent else command("deploy", found.alias)
        return [_step(whole)] if found.reasons or not found.deployed else []
    if task.state is TaskState.WAITING and found.asking:
        return [_step(command("approve", *found.asking))]
    return _by_state(found.alias, task)


def _by_state(alias: str, task: TaskView) -> list[Step]:
    if task.code is Code.LOCKED:
        return []
    match task.state:
        case TaskState.NEEDS_APPROVAL:
            return [_step(command("approve", alias), f"Next ({code(command('reject', alias), 200)} calls it off):")]
        case TaskState.LOST:
            sure = "It is looked at again by itself. An admin who is sure that the tool has ended:"
            return [_step(f"{command('retry')} --force", sure)]
        case TaskState.BLOCKED:
            return [_step(command("retry"), f"Once {codes(task.detail.split(', '))} is mended:")]
        case TaskState.FAILED | TaskState.TIMED_OUT:
            return [_step(command("retry"), "Push a commit that mends this. To try again as it is:")]
        case TaskState.CANCELLED:
            return [_step(command("retry"))]
        case _:
            return []


def _step(typed: str, words: str = "Next:") -> Step:
    return Step(Markdown(words), typed)
