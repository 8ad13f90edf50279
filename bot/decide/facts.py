"""What is known of one deployment when the next step is decided. Plain frozen data; the store gathers it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from bot.decide.transitions import FINISHED, TaskState


class TaskAction(StrEnum):
    """What a task does to its environment."""

    PLAN = "plan"
    PLAN_DESTROY = "destroy-plan"
    DEPLOY = "deploy"
    DESTROY = "destroy"
    ADOPT = "adopt"
    UNLOCK = "unlock"  # frees the lock of a state, by its id; what holds another lock is not touched

    @property
    def mutates(self) -> bool:
        """Whether it may change the environment, so that it queues and never overlaps with another that may."""
        return self in (TaskAction.DEPLOY, TaskAction.DESTROY, TaskAction.ADOPT)

    @property
    def needs_power(self) -> bool:
        """Whether its job needs the identity and the values of a deploy."""
        return self.mutates or self is TaskAction.UNLOCK


class Stop(StrEnum):
    """How hard a deployment is being cancelled."""

    GRACEFULLY = "stop"
    KILL = "kill"


class Change(NamedTuple):
    """An environment was deployed or destroyed: at which commit, and by whose word (`#12`, `push to main`)."""

    action: TaskAction
    commit: str
    origin: str


class Result(StrEnum):
    """What a runner reports of its attempt."""

    SUCCEEDED = "succeeded"
    NO_CHANGES = "no changes"
    NEEDS_APPROVAL = "needs approval"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Upstream:
    """One that a task needs, as far as it is in the same deployment.

    `changed`: it has deployed, and something did change. `broken_by`: who stopped it, if it was blocked itself.
    """

    alias: str
    state: TaskState
    changed: bool = False
    broken_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """The newest attempt of a task. `still` is for how many seconds, by the observer's own clock, nothing moved.

    `tries`: how many attempts in a row nobody claimed, if nobody claims this one either. `ended`: True or False as the
    executor says, None while it has not been asked or cannot tell. `refused`: it was revoked for good.
    """

    id: str
    tries: int = 1
    claimed: bool = False
    revoked: bool = False
    refused: bool = False
    still: float = 0.0
    runner_gone: bool = False
    ended: bool | None = None
    result: Result | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """One task with its direct neighbours. `rival`: a deployment that it waits for, on its environment or around it.

    `newer`: a younger one, asked for where the task waits for approval. `locked_by`: the pull request (`#12`) that the
    environment belongs to, if that is not the deployment's own. `freed`: its environment belonged to the deployment's
    pull request, and was freed while a job has it. `approved`: the plan that it waits with is.
    `missing`: values that it cannot start without. `empty_plan`: what was shown has no changes, and still stands.
    """

    id: int
    alias: str
    action: TaskAction
    state: TaskState
    rank: float = 0.0
    position: int = 0
    upstreams: tuple[Upstream, ...] = ()
    attempt: AttemptFacts | None = None
    rival: int | None = None
    newer: int | None = None
    locked_by: str = ""
    freed: bool = False
    requires_approval: bool = False
    approved: bool = False
    shown: bool = False
    empty_plan: bool = False
    missing: tuple[Missing, ...] = ()

    @property
    def queued(self) -> bool:
        """Whether it waits for an older deployment of its environment, and for nothing in its own."""
        return self.rival is not None and all(upstream.state in FINISHED for upstream in self.upstreams)


@dataclass(frozen=True, slots=True)
class Ready:
    """A task that can be handed on: the higher its rank the sooner, then by position."""

    id: int
    rank: float = 0.0
    position: int = 0


class Why(StrEnum):
    """Why a value is missing."""

    OUTPUT = "output"  # its upstream was never deployed
    DEPLOY_ONLY = "deploy-only"  # a plan does not get it
    SECRET = "secret"  # noqa: S105 (a word, not a password)
    TOO_SHORT = "too-short"  # a sensitive value that no log could hide
    UNTRUSTED = "untrusted"  # a secret that the default branch does not give to this variable
    UPSTREAM = "upstream"  # what it needs is not deployed
    DEFINITION = "definition"  # the environment's definition cannot be used; `name` says why


@dataclass(frozen=True, slots=True)
class Missing:
    """A value that a task lacks: `name` is a variable, `source` what it would come from (an alias, a secret)."""

    name: str
    source: str
    why: Why


@dataclass(frozen=True, slots=True)
class Limits:
    """Waits, in seconds, and tries. All are settings: tests and slow networks need others."""

    silence: float = 10.0  # no beat for so long: lost
    claim: float = 20.0  # dispatched and not claimed for so long: revoked
    starts: int = 3  # attempts that nobody claims before the task fails


@dataclass(frozen=True, slots=True)
class Facts:
    """One deployment: its flags, its dirty tasks, and the best of its ready ones.

    `queued`: none of its tasks was ever handed to an executor. `superseded` are not counted as `cancelled`.
    `withdrawn`: why nothing more of it may begin, for what let it begin is gone.
    """

    deployment: int
    tasks: tuple[TaskFacts, ...]
    ready: tuple[Ready, ...] = ()
    free_jobs: int = 1
    unfinished: int = 0
    failed: int = 0
    cancelled: int = 0
    superseded: int = 0
    queued: bool = False
    stop: Stop | None = None
    fail_fast: bool = False
    withdrawn: str = ""
    limits: Limits = Limits()
