"""The tables of comments: environments in dependency order, only the columns that have something to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.decide.saying import duration
from bot.decide.transitions import TaskState
from bot.render.fitting import Layout
from bot.render.markdown import Markdown, code, link
from bot.render.models import Row, Section
from bot.render.words import FAILED, Look, changes, clock, counted, counts_short, look_of, state_words, tool_name, why

NOTHING = Markdown()
TableOf = Callable[[int, Section, Layout, str], "Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows of cells; `more` are the environments that have no room."""

    columns: tuple[Markdown, ...]
    rows: tuple[tuple[Markdown, ...], ...]
    more: Markdown = NOTHING


def plan_table(number: int, section: Section, layout: Layout, repository_url: str) -> Table:
    """Environment, plan, why it is here, tool, job: what a phone shows first is what matters most."""
    shown = _shown(number, section, layout)
    columns = {
        "Environment": [code(row.alias) for row in shown],
        "Plan": [_plan(row, repository_url) for row in shown],
        "Why": [why(row.reasons, layout.detail.reasons) if layout.detail.reasons else NOTHING for row in shown],
        "Tool": [tool_name(row.tool) for row in shown],
        "Job": [_job(row, layout) for row in shown],
    }
    return table_of_columns(columns, len(section.rows) - len(shown))


def deployment_table(number: int, section: Section, layout: Layout, repository_url: str) -> Table:
    """Environment, its state, what changes, how long it took, with a link to its job."""
    shown = _shown(number, section, layout)
    columns = {
        "Environment": [code(row.alias) for row in shown],
        "State": [signed(row, repository_url) for row in shown],
        "Changes": [counts_short(row) if row.planned and not row.empty else NOTHING for row in shown],
        "Job": [_job(row, layout) for row in shown],
    }
    return table_of_columns(columns, len(section.rows) - len(shown))


def table_of_columns(columns: Mapping[str, Sequence[Markdown]], missing: int = 0) -> Table:
    """The columns that are not empty, row by row; `missing` environments have no room."""
    kept = {title: cells for title, cells in columns.items() if any(cells)}
    more = Markdown(f"and {counted(missing, 'more environment')}, left out here") if missing else NOTHING
    rows = tuple(zip(*kept.values(), strict=True)) if kept else ()
    return Table(tuple(map(Markdown, kept)), rows, more)


def _shown(number: int, section: Section, layout: Layout) -> Sequence[Row]:
    return [row for place, row in enumerate(section.rows) if layout.shows((number, place))]


def _plan(row: Row, repository_url: str) -> Markdown:
    if row.state is TaskState.SUCCEEDED and row.planned:
        return counts_short(row)
    return signed(row, repository_url)


def signed(row: Row, repository_url: str) -> Markdown:
    """A state with its sign; bold where somebody has to look."""
    if row.state is None:
        return NOTHING
    words = state_words(row, repository_url)
    if row.state in FAILED or look_of(row) is Look.ASKS:
        words = Markdown(f"**{words}**")
    return Markdown(f"{look_of(row).value}\N{NO-BREAK SPACE}{words}")


def _job(row: Row, layout: Layout) -> Markdown:
    if row.duration is not None:
        words = duration(row.duration)
    else:
        words = f"since {clock(row.since)}" if row.since is not None else ""
    took = words.replace(" ", "\N{NO-BREAK SPACE}")
    if row.job_url and layout.detail.links:
        return link(Markdown(took or "job"), row.job_url)
    return Markdown(took)


def fold_words(row: Row) -> Markdown:
    """What stands beside the alias above a folded text."""
    if row.state in FAILED:
        return Markdown(row.state.value if row.state else "")
    return counts_short(row) if changes(row) else NOTHING
