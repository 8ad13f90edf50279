"""How a running deployment is shown: a live table on a terminal, plain lines elsewhere, events as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

import click

from bot.cli.global_options import Globals
from bot.cli.output import Cell, Tone, paint, printable, width_of
from bot.cli.words import iso, plan_cell, state_cell, state_words, tone_of, took
from bot.decide.remaining import Leg, remaining, share_done
from bot.decide.saying import duration
from bot.decide.transitions import ACTIVE, TaskState
from bot.store.views import DeploymentView, TaskView

_REFRESH = 0.25  # seconds between two looks when nothing moved
_SHORT = 0.05  # seconds: a display that takes no longer is for everything that moves
_TIMES_AS_LONG = 10
_MOST_ROWS = 40
_WIDEST_STATE = 30


class Display(Protocol):
    """Shows deployments while they run."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show no more."""

    def wants(self, *, moved: bool) -> bool:
        """Whether it is time to be shown the deployments again."""

    def show(self, found: Sequence[DeploymentView]) -> None:
        """Show how they stand now."""

    def remark(self, text: str) -> None:
        """Tell something beside that, where it does not disturb."""


def display_for(settings: Globals, *, plans: bool, over: frozenset[int] = frozenset()) -> Display:
    """The display that fits who is looking. `over`: the tasks that had ended before; they are no news."""
    if settings.json:
        return Events(over=over)
    if settings.quiet:
        return Silence()
    if sys.stdout.isatty():
        return LiveTable(color=not settings.no_color, plans=plans)
    return Lines(plans=plans, over=over)


class Pace:
    """How often a deployment is read to be shown: what is large is read less often, so that driving it comes first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = 0.0
        self.behind = False  # something moved that was not shown yet

    def allows(self, *, moved: bool) -> bool:
        """Whether it may be read now; what moved meanwhile is not forgotten."""
        self.behind |= moved
        return self._clock() >= self._next

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Measure what it takes to read and show it."""
        began = self._clock()
        yield
        took = self._clock() - began
        self.behind = False
        self._next = began + took * (_TIMES_AS_LONG if took > _SHORT else 1)


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        """Nothing to begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    def wants(self, *, moved: bool) -> bool:  # noqa: ARG002 (the protocol's)
        """Never."""
        return False

    def show(self, found: Sequence[DeploymentView]) -> None:
        """Show nothing."""

    def remark(self, text: str) -> None:
        """Tell nothing."""


class Lines(Silence):
    """One line for each environment that begins or ends something."""

    def __init__(self, *, plans: bool, over: frozenset[int]) -> None:
        self._plans = plans
        self._over = over
        self._told: dict[int, tuple[str, str]] = {}

    def wants(self, *, moved: bool) -> bool:
        """Whenever anything moved."""
        return moved

    def show(self, found: Sequence[DeploymentView]) -> None:
        """Tell what is new."""
        for view in found:
            for task in view.tasks:
                sign = (task.state.value, task.code.value)
                if self._told.get(task.id) != sign and task.id not in self._over:
                    self._told[task.id] = sign
                    self.tell(view, task)

    def remark(self, text: str) -> None:
        """Tell it on stderr, on a line of its own: a terminal may have put `^C` there."""
        click.echo(f"\n{text}", err=True)

    def tell(self, view: DeploymentView, task: TaskView) -> None:  # noqa: ARG002 (Events needs it)
        """Tell where a task is now, unless it only waits for its turn."""
        if task.state in (TaskState.WAITING, TaskState.READY, TaskState.DISPATCHED):
            return
        if self._plans and task.state in (TaskState.RUNNING, TaskState.SKIPPED):  # the table of plans follows
            return
        parts = [state_words(task)]
        if task.finished:
            parts += [_seen_plan(task).text, took(task, time.time())]
        said = " · ".join(dict.fromkeys(part for part in parts if part))
        click.echo(f"{printable(task.alias)}: {paint(said, tone_of(task))}")


class Events(Lines):
    """One JSON object a line for each thing that happens."""

    def __init__(self, *, over: frozenset[int]) -> None:
        super().__init__(plans=False, over=over)
        self._ended: set[int] = set()

    def show(self, found: Sequence[DeploymentView]) -> None:
        """Tell what is new, and which deployments have ended."""
        super().show(found)
        for view in found:
            if view.finished_at is not None and view.id not in self._ended:
                self._ended.add(view.id)
                self._say(event="deployment", deployment=view.id, action=view.action.value, state=view.state.value)

    def tell(self, view: DeploymentView, task: TaskView) -> None:
        """Tell where a task is now."""
        self._say(
            event="task",
            deployment=view.id,
            environment=task.alias,
            action=task.action.value,
            state=task.state.value,
            code=task.code.value,
            detail=task.detail,
            plan=dict(task.plan.counts) if task.plan and task.finished else None,
        )

    def _say(self, **values: object) -> None:
        click.echo(json.dumps({**values, "at": iso(time.time())}))


class LiveTable(Silence):
    """A table in dependency order that is drawn anew as things move, with a bar where the time left can be told."""

    def __init__(self, *, color: bool, plans: bool) -> None:
        from rich.console import Console  # noqa: PLC0415 (0.1 s, and only a terminal needs it)
        from rich.live import Live  # noqa: PLC0415

        self._plans = plans
        self._console = Console(highlight=False, no_color=not color)
        self._live = Live(console=self._console, auto_refresh=False, transient=plans)
        self._next = 0.0
        self._widest = 0  # of the states so far: a column that shrank would make the table jump
        self._begun = time.monotonic()

    def __enter__(self) -> Self:
        """Take the terminal."""
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last picture there (a plan's goes: its table follows)."""
        self._live.__exit__(kind, error, trace)

    def wants(self, *, moved: bool) -> bool:
        """When anything moved, and a few times a second for the durations."""
        return moved or time.monotonic() >= self._next

    def remark(self, text: str) -> None:
        """Tell it above the table, which is drawn anew; a `^C` of the terminal is wiped out."""
        self._console.print(f"\r{text}", style="yellow")

    def show(self, found: Sequence[DeploymentView]) -> None:
        """Draw."""
        from rich.console import Group  # noqa: PLC0415

        self._next = time.monotonic() + _REFRESH
        parts: list[object] = []
        for view in found:
            parts.append(self._table(view))
            if view.finished_at is None and (bar := self._bar(view)) is not None:
                parts.append(bar)
        self._live.update(Group(*parts), refresh=True)  # type: ignore[arg-type]

    def _table(self, view: DeploymentView) -> object:
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        rows, hidden = _fitting(view.tasks, min(_MOST_ROWS, self._console.height - 6))
        states = (width_of(printable(state_cell(task).text)) for task in rows)
        self._widest = min(max([self._widest, *states]), _WIDEST_STATE)
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
        for header, justify in (("Environment", "left"), ("State", "left"), ("Plan", "left"), ("Time", "right")):
            widest = self._widest if header == "State" else None
            table.add_column(header, justify=justify, no_wrap=header != "State", min_width=widest)  # type: ignore[arg-type]
        now = time.time()
        for task in rows:
            state, plan = state_cell(task), _seen_plan(task)
            table.add_row(
                Text(printable(task.alias)),
                Text(printable(state.text), style=_RICH[state.tone]),
                Text(plan.text, style=_RICH[plan.tone]),
                Text(took(task, now), style="dim"),
            )
        if hidden:
            table.add_row(Text(f"and {hidden} more", style="dim"))
        return table

    def _bar(self, view: DeploymentView) -> object | None:
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        now = time.time()
        legs = [
            Leg(task.alias, task.waits_for, task.usual, now - task.started_at if task.started_at else 0.0)
            for task in view.tasks
            if not task.finished
        ]
        left = remaining(legs)
        at_work = any(task.state in ACTIVE or task.state is TaskState.READY for task in view.tasks)
        if left is None or not at_work or self._plans:
            return None
        line = Table.grid(padding=(0, 1))
        done = share_done(left, now - view.created_at)
        line.add_row(
            ProgressBar(total=1.0, completed=done, width=30, complete_style="cyan", finished_style="cyan"),
            Text(f"about {duration(left)} left", style="dim"),
        )
        return line


_RICH = {
    Tone.PLAIN: "",
    Tone.STRONG: "bold",
    Tone.FAINT: "dim",
    Tone.GOOD: "green",
    Tone.BAD: "red",
    Tone.WARN: "yellow",
    Tone.BUSY: "cyan",
}


def _seen_plan(task: TaskView) -> Cell:
    """The plan of a task that has begun; before that its plan says nothing of what happened."""
    begun = task.started_at is not None or task.state is TaskState.SUCCEEDED
    return plan_cell(task.plan) if begun else Cell("")


def _fitting(tasks: Sequence[TaskView], most: int) -> tuple[list[TaskView], int]:
    """The rows that fit: all, or first what is at work or unlucky, then the rest, still in order."""
    if len(tasks) <= most:
        return list(tasks), 0
    calm = (TaskState.WAITING, TaskState.READY, TaskState.SUCCEEDED, TaskState.SKIPPED)
    urgent = [task for task in tasks if task.state not in calm]
    others = [task for task in tasks if task.state in calm]
    keep = {task.id for task in [*urgent, *others][: max(most - 1, 1)]}
    return [task for task in tasks if task.id in keep], len(tasks) - len(keep)
