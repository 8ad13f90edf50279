"""What comments and check runs are made from: small frozen views that others fill from rows.

Every text in them may come from outside, and is shown as data: nothing here needs to be escaped by those who fill it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.decide.facts import Change, TaskAction
from bot.decide.transitions import Code, DeploymentState, TaskState


@dataclass(frozen=True, slots=True)
class Row:
    """One environment of a comment.

    `state` is None for what was not asked to do anything. `counts` has the keys of `bot.store.reports.COUNTS`,
    `text` is the redacted text of the plan, `reasons` are `code: detail` as stored. `duration`: the
    seconds that it took, once it has ended; `since`: when what runs began. `stopping`: it was asked to stop.
    `changed`: what became of the environment since its plan was made.
    `locked_by` is the pull request that holds it (`#12`), `behind` the older deployment that it is queued behind,
    and `behind_on` the pull request of that, where it is another one (`#12`).
    `changes`: the address and the actions of each changed resource. `asked_for`: what nobody saw of it waits for an
    approval, whatever it is, if a command deploys it; `asked_for_merged`: if a merge does. `shown`: its plan was shown
    before it was to be deployed. `held`: its job waits for the rules of its GitHub environment.
    """

    alias: str
    name: str = ""
    tool: str = ""
    state: TaskState | None = None
    code: Code | None = None
    detail: str = ""
    action: TaskAction = TaskAction.PLAN
    counts: Mapping[str, int] = field(default_factory=dict)
    empty: bool = False
    planned: bool = False
    text: str = ""
    error: str = ""
    reasons: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    job_url: str | None = None
    duration: float | None = None
    since: float | None = None
    stopping: bool = False
    changed: Change | None = None
    locked_by: str = ""
    requires_approval: bool = False
    waits_for: tuple[str, ...] = ()
    behind: int | None = None
    behind_on: str = ""
    changes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    asked_for: bool = False
    asked_for_merged: bool = False
    shown: bool = True
    held: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One workflow of a comment: `rows` in dependency order.

    `merging`: a merge of the pull request deploys it. `only_to`: where no pull request to this base branch deploys it,
    the branches to which one does. `again`: the deployment that has tried again what did not succeed in this one.
    """

    workflow: str
    file: str
    state: DeploymentState | None = None
    deployment: int | None = None
    rows: tuple[Row, ...] = ()
    warnings: tuple[str, ...] = ()
    merging: bool = False
    only_to: tuple[str, ...] = ()
    again: int | None = None


@dataclass(frozen=True, slots=True)
class PlanComment:
    """The one comment of a pull request that tells its plans.

    `problems` are `file:line:column: what is wrong`. `after_merge`: what of permissions and the like the pull request
    changes, so that it holds only once it is merged. `superseded_by` is the commit that is planned next. `held`: the
    aliases whose plans wait for the workflow file of the default branch; `brings_file`: the pull request adds it.
    `ended`: merged or closed; `deployed` are then the file and alias of each environment that was deployed from it.
    """

    key: str
    commit: str
    base: str
    repository_url: str
    sections: tuple[Section, ...] = ()
    problems: tuple[str, ...] = ()
    after_merge: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    draft: bool = False
    fork_waits: bool = False
    superseded_by: str = ""
    held: tuple[str, ...] = ()
    brings_file: bool = False
    ended: str = ""
    deployed: frozenset[tuple[str, str]] = frozenset()


class Refused(NamedTuple):
    """A requirement that is not met. `names` are what it is about, shown as data."""

    code: str
    message: str
    mend: str
    names: tuple[str, ...] = ()


class Mistaken(NamedTuple):
    """A line of a comment that is no command."""

    line: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class DeploymentComment:
    """The comment of one command, or of one push, with all that came of it.

    `verb` is the command as it was written. `waits` goes on after "Waits": `for #12, which holds db and eks`. `said`
    are lines of their own, as `db: already deployed from #12`. `continuous`: a push asked for it, no person; `actor` is
    then who merged, "" where nobody did. `loud`: what nobody should miss; `problems`: what keeps a push from deploying.
    `asks`: what is shown waits for somebody to approve it as a whole; `called_off` is why that never came.
    `self_approval`: whoever asked for something may approve it too.
    """

    key: str
    verb: str
    actor: str
    commit: str
    repository_url: str
    sections: tuple[Section, ...] = ()
    refusals: tuple[Refused, ...] = ()
    mistakes: tuple[Mistaken, ...] = ()
    waits: str = ""
    finished: bool = False
    continuous: bool = False
    said: tuple[str, ...] = ()
    loud: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    asks: bool = False
    called_off: str = ""
    self_approval: bool = False


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark at a place of a file, for a check run. `level`: failure, warning or notice."""

    path: str
    line: int
    column: int
    message: str
    level: str = "failure"


@dataclass(frozen=True, slots=True)
class CheckOutput:
    """What a check run says; `conclusion` is None while it runs."""

    title: str
    summary: str
    text: str = ""
    conclusion: str | None = None
    annotations: tuple[Annotation, ...] = ()
