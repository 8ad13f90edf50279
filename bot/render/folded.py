"""The text of one plan or error as a block of code: whole, or as much of it as there is room for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.render.diffs import as_diff, plan_body, resource_line
from bot.render.markdown import Markdown, clean, fence, link, one_line
from bot.render.models import Row
from bot.render.words import FAILED, changes, counted

_SPARE = 4_096  # characters that cleaning may take away from a text that is cut before it is cleaned


def foldable(row: Row) -> bool:
    """Whether there is a text to show: an error, or a plan that changes something."""
    return _failed(row) or bool(changes(row) and (_has_text(row) or row.changes))


def length(row: Row) -> int:
    """About how many characters its text has."""
    if _failed(row):
        return len(_error(row))
    return len(row.text) if _has_text(row) else 30 * len(row.changes)


def whole(row: Row) -> Markdown:
    """All of its text."""
    if _failed(row):
        return fence(_error(row))
    if not _has_text(row):
        return brief(row, 1_000_000)
    return fence(as_diff(clean(plan_body(row.text)).strip("\n"), row.tool), "diff")


def brief(row: Row, most: int) -> Markdown:
    """About so many characters of it: the resources that a plan changes, else the beginning of its text."""
    if _failed(row):
        text, cut = _beginning(_error(row), most)
        return _with_rest(fence(text), "The whole error", row) if cut else fence(text)
    if row.changes:
        block = fence(_resources(row, most), "diff")
        return _with_rest(block, "The whole plan", row) if _has_text(row) else block
    text, cut = _beginning(row.text, most)
    block = fence(as_diff(text, row.tool), "diff")
    return _with_rest(block, "The whole plan", row) if cut else block


def _failed(row: Row) -> bool:
    return row.state in FAILED and bool(_error(row))


def _error(row: Row) -> str:
    """What the tool said, or why it could not even be started."""
    return row.detail if not row.error or row.error.isspace() else row.error


def _has_text(row: Row) -> bool:
    return bool(row.text) and not row.text.isspace()


def _resources(row: Row, most: int) -> str:
    lines = list(_within((resource_line(one_line(one, 300), actions) for one, actions in row.changes), most))
    rest = len(row.changes) - len(lines)
    return "\n".join([*lines, f"# and {counted(rest, 'resource')} more"] if rest else lines)


def _beginning(source: str, most: int) -> tuple[str, bool]:
    """The first lines of a text, clean, and whether something was cut."""
    taken = source[: 2 * most + _SPARE]
    text = clean(plan_body(taken)).strip("\n")
    kept = "\n".join(_within(text.split("\n"), most)) or text[:most]
    return kept, len(taken) < len(source) or len(kept) < len(text)


def _within(lines: Iterable[str], most: int) -> Iterator[str]:
    """The first lines that are together no longer than so many characters."""
    for line in lines:
        most -= len(line) + 1
        if most < 0:
            return
        yield line


def _with_rest(block: Markdown, what: str, row: Row) -> Markdown:
    where = Markdown(f" {link('in its job', row.job_url)}" if row.job_url else " too long for here")
    return Markdown(f"{block}\n\n{what} is{where}.")
