"""How environments are said in comments: their state, their plan, why they are here. In Markdown, made harmless."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from bot.decide.facts import TaskAction
from bot.decide.saying import plan_counts
from bot.decide.transitions import FINISHED, Code, TaskState
from bot.render.markdown import Markdown, code, codes, joined, prose, pull_link, some
from bot.render.models import Row


@dataclass(frozen=True, slots=True)
class Verb:
    """What is done to an environment, in the forms that sentences need."""

    do: str
    doing: str
    done: str


VERBS = {
    TaskAction.PLAN: Verb("plan", "planning", "planned"),
    TaskAction.PLAN_DESTROY: Verb("plan", "planning", "planned"),
    TaskAction.DEPLOY: Verb("deploy", "deploying", "deployed"),
    TaskAction.DESTROY: Verb("destroy", "destroying", "destroyed"),
    TaskAction.ADOPT: Verb("adopt", "adopting", "adopted"),
    TaskAction.UNLOCK: Verb("unlock", "unlocking", "unlocked"),
}
TOOLS = {
    "terraform": "Terraform",
    "opentofu": "OpenTofu",
    "terragrunt": "Terragrunt",
    "pulumi": "Pulumi",
    "k8s": "Kubernetes",
    "cloudformation": "CloudFormation",
    "helm": "Helm",
    "ansible": "Ansible",
    "script": "script",
}


class Look(Enum):
    """How an environment is drawn: a class of the graph, and a sign wherever it is written."""

    IDLE = "○"
    BUSY = "◐"
    GOOD = "✓"
    ASKS = "!"
    BAD = "✗"
    STOPPED = "⊘"
    QUIET = "–"


_LOOKS = {
    TaskState.WAITING: Look.IDLE,
    TaskState.READY: Look.IDLE,
    TaskState.DISPATCHED: Look.BUSY,
    TaskState.RUNNING: Look.BUSY,
    TaskState.LOST: Look.ASKS,
    TaskState.NEEDS_APPROVAL: Look.ASKS,
    TaskState.SUCCEEDED: Look.GOOD,
    TaskState.FAILED: Look.BAD,
    TaskState.TIMED_OUT: Look.BAD,
    TaskState.CANCELLED: Look.STOPPED,
    TaskState.BLOCKED: Look.STOPPED,
    TaskState.SKIPPED: Look.QUIET,
}
LATER = frozenset({Code.AFTER_UPSTREAM, Code.NEEDS_VALUE})
"""Why there is no plan before the deploy."""
FAILED = frozenset({TaskState.FAILED, TaskState.TIMED_OUT})


def look_of(row: Row) -> Look:
    """How its state is drawn."""
    if row.state is None:
        return Look.IDLE
    if row.state is TaskState.SUCCEEDED and row.code is Code.NO_CHANGES and row.action is not TaskAction.ADOPT:
        return Look.QUIET
    if row.code in LATER:
        return Look.IDLE
    return _LOOKS[row.state]


def finished(row: Row) -> bool:
    """Whether nothing more is to come of it."""
    return row.state is None or row.state in FINISHED


def changes(row: Row) -> bool:
    """Whether it has a plan that changes something."""
    return row.planned and not row.empty


def tool_name(tool: str) -> Markdown:
    """A tool as its makers write it."""
    return Markdown(TOOLS[tool]) if tool in TOOLS else prose(tool, 30)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 environment`, `2 environments`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def counts_short(row: Row) -> Markdown:
    """A plan's counts as signs, `+2 ~1 -1`, kept on one line; bold is what goes away."""
    if row.empty:
        return Markdown("no\N{NO-BREAK SPACE}changes")
    text = plan_counts(row.counts) or "changes"
    strong = re.sub(r"[-±]\d+", r"<b>\g<0></b>", text)
    return Markdown(strong.replace(" ", "\N{NO-BREAK SPACE}"))  # numbers and our own words: nothing to make harmless


_COUNTED = (
    ("add", "to add"),
    ("change", "to change"),
    ("replace", "to replace"),
    ("destroy", "to destroy"),
    ("move", "to move"),
    ("import", "to import"),
)


def counts_long(counts: Mapping[str, int]) -> str:
    """A plan's counts in words: `2 to add, 1 to destroy`."""
    parts = [f"{counts[name]:,} {words}" for name, words in _COUNTED if counts.get(name)]
    if not parts:
        return "only outputs change" if counts.get("outputs_changed") else "changes"
    return ", ".join(parts)


_OF_STATE = {
    TaskState.DISPATCHED: "starting",
    TaskState.LOST: "lost: its runner is gone, the tool may be at work",
    TaskState.NEEDS_APPROVAL: "waits for approval",
}
_OF_CODE = {
    Code.HAS_CHANGES: "has changes, so it was not adopted",
    Code.OUTCOME_UNKNOWN: "failed (outcome unknown)",
    Code.CANNOT_START: "could not start",
    Code.FAIL_FAST: "cancelled (fail-fast)",
    Code.VOIDED: "called off: something was pushed while it waited",
    Code.FREED: "called off: unlocked",
}


def state_words(row: Row, repository_url: str = "") -> Markdown:
    """An environment's state in a few words: those of the command line, its names as code."""
    match row.state:
        case None:
            return Markdown()
        case TaskState.WAITING if row.behind is not None:
            where = f" ({pull_link(row.behind_on, repository_url)})" if row.behind_on else ""
            return Markdown(f"queued behind deployment {row.behind}{where}")
        case TaskState.WAITING if row.waits_for:
            return Markdown(f"waits for {codes(row.waits_for)}")
        case TaskState.RUNNING:
            return Markdown(f"{VERBS[row.action].doing}{' (asked to stop)' if row.stopping else ''}")
        case TaskState.SUCCEEDED:
            unchanged = row.code is Code.NO_CHANGES and row.action in (TaskAction.DEPLOY, TaskAction.DESTROY)
            return Markdown("no changes" if unchanged else VERBS[row.action].done)
        case TaskState.NEEDS_APPROVAL if row.code is Code.PLAN_DIFFERS:
            return Markdown(
                f"waits for approval: {'not the plan that was shown' if row.shown else 'it was never shown'}"
            )
        case TaskState.BLOCKED:
            return _blocked(row, repository_url)
        case state:
            held = "waits for the rules of its GitHub environment" if row.held else None
            return Markdown(held or _OF_STATE.get(state) or _unlucky(row, state))


def _blocked(row: Row, repository_url: str) -> Markdown:
    if row.code is Code.LOCKED:
        return Markdown(f"locked by {pull_link(row.detail or row.locked_by, repository_url)}")
    who = [_blocker(one, repository_url) for one in row.detail.split(", ")]
    return Markdown(f"blocked by {some(who[:3], len(who))}")


_HELD = re.compile(r"(.+) \((#\d{1,11})\)", re.DOTALL)


def _blocker(name: str, repository_url: str) -> Markdown:
    """What blocks an environment, with the pull request that holds it if that is why."""
    held = _HELD.fullmatch(name)
    return code(name) if held is None else Markdown(f"{code(held[1])} ({pull_link(held[2], repository_url)})")


def _unlucky(row: Row, state: TaskState) -> str:
    detail = row.detail
    match row.code:
        case Code.AFTER_UPSTREAM:
            return f"after {codes(detail.split(', '))}"
        case Code.NEEDS_VALUE:
            return f"planned at deploy (needs {codes(detail.split(', '))})"
        case Code.SUPERSEDED:
            return f"superseded by deployment {prose(detail.removeprefix('#'), 40)}"
        case Code.REJECTED:
            return f"rejected {prose(detail, 80)}".strip()
        case Code.WITHDRAWN:
            return f"cancelled: {prose(detail, 160)}"
        case code_ if code_ in _OF_CODE:
            return _OF_CODE[code_]
        case _:
            return state.value


_MORE = re.compile(r"and (\d+) more")
_FILES = frozenset({"file-changed", "source-changed", "watch-matched"})
_PLAIN_REASONS = {
    "new": "new",
    "never-deployed": "never deployed",
    "unfinished": "its last deploy did not finish",
}
_PHRASES = {
    "variable-changed": ("variable {}", "variables {}"),
    "upstream-moved": ("{} was deployed since", "{} were deployed since"),
    "upstream-affected": ("downstream of {}", "downstream of {}"),
}


def why(reasons: Sequence[str], most: int = 2) -> Markdown:
    """Why an environment is here, the strongest reasons first: at most so many of them, and so many names in each."""
    found: dict[str, list[str]] = {}
    for reason in reasons:
        kind, _, detail = reason.partition(": ")
        found.setdefault("file-changed" if kind in _FILES else kind, []).append(detail)
    shown = [_phrase(kind, details, most) for kind, details in list(found.items())[:most]]
    return joined(shown, "; ")


def _phrase(kind: str, details: list[str], most: int) -> Markdown:
    if kind in _PLAIN_REASONS:
        return Markdown(_PLAIN_REASONS[kind])
    if kind == "file-changed":
        return _named([_short_path(one) for one in details], "{}", most)
    if kind in _PHRASES:
        return _named(details, _PHRASES[kind][len(details) > 1], most)
    return prose("; ".join(one for one in details if one) or kind, 80)


def _named(names: list[str], phrase: str, most: int) -> Markdown:
    """A phrase about names. The last of them may stand for many: `and 7 more`."""
    untold = _MORE.fullmatch(names[-1])
    every = names[:-1] + [""] * int(untold[1]) if untold else names
    return Markdown(phrase.format(codes(every, most)))


def _short_path(path: str, most: int = 44) -> str:
    """The end of a long path, from a folder on."""
    if len(path) <= most:
        return path
    kept = path[-most:]
    return f"…/{kept.partition('/')[2] or kept}"


def clock(at: float) -> str:
    """A time of the day as people everywhere read it: a comment shows it only while something runs."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%H:%M UTC")


def when(at: float | None) -> str:
    """A time as people everywhere read it."""
    if at is None:
        return ""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
