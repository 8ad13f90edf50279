"""What is known of a pull request, and of a command on it, when it is decided. Plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.decide.permissions import Actor


class Verb(StrEnum):
    """What a command may ask for."""

    PLAN = "plan"
    DEPLOY = "deploy"
    DESTROY = "destroy"
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    RETRY = "retry"
    UNLOCK = "unlock"
    ADOPT = "adopt"
    RESTORE = "restore"
    EXPLAIN = "explain"
    STATUS = "status"
    HELP = "help"


class PullState(StrEnum):
    """Where a pull request has got to; a merged one is not called closed."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class CheckState(StrEnum):
    """What a check or commit status came to. `MISSING`: it is required and nobody has reported it."""

    SUCCESS = "success"
    NEUTRAL = "neutral"
    SKIPPED = "skipped"
    FAILURE = "failure"
    PENDING = "pending"
    MISSING = "missing"


class WorkflowFile(StrEnum):
    """How the generated workflow file stands on the default branch. `BROUGHT`: this pull request adds it."""

    THERE = "there"
    MISSING = "missing"
    BROUGHT = "brought"
    NOT_NEEDED = "not-needed"  # nothing is run by GitHub Actions there


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody's newest review, which approves a commit. `role`: what they are in the repository, None: unknown."""

    login: str
    commit: str
    role: str | None


@dataclass(frozen=True, slots=True)
class CheckFact:
    """A check run or commit status at the head. `ours`: posted by this bot, or one that only it would post."""

    name: str
    ours: bool
    required: bool
    state: CheckState


@dataclass(frozen=True, slots=True)
class PullFacts:
    """A pull request as it is when the command is decided. None is always: not known.

    `private`: only its members can read the repository. `vetted`: the commit of a fork that one who may deploy has
    named. `bases`: the branches that each workflow asked for is deployed from, by its name.
    `mergeable`: GitHub's word on conflicts, never its `mergeable_state`, in which our own checks count. `conflicts`:
    the files in conflict, as far as they are known. `stale`: the aliases asked for whose inputs the base branch has
    changed since. `behind`: the base branch has commits that the head has not. `approvals`: the newest review of each
    person, where it approves. `changes_requested`: who with write access asks for changes in theirs. `app_lacks`:
    permissions that the App needs and was not given. `rules_known`: the workflow files of the default branch, which
    say who may and what it takes, can be read.
    """

    number: int
    state: PullState
    draft: bool
    author: str
    head: str
    fork: bool
    base: str
    default_branch: str
    private: bool = False
    last_pusher: str | None = None
    vetted: str | None = None
    bases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    mergeable: bool | None = None
    conflicts: tuple[str, ...] = ()
    stale: tuple[str, ...] | None = None
    behind: bool | None = None
    approvals: tuple[Approval, ...] | None = None
    changes_requested: tuple[str, ...] = ()
    code_owner_approval: bool | None = None
    checks: tuple[CheckFact, ...] | None = None
    app_lacks: tuple[str, ...] = ()
    workflow_file: WorkflowFile | None = None
    rules_known: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command asks for, and what its author could know.

    `seen`: the commit that this bot showed last before the command was written, in its plan comment or, where nothing
    is affected, in its check. `named`: the commit given with @. `force`, `state`, `values`: `--force`, `--state ID`,
    and `-v` or `--forget` were given. `locked_elsewhere`: another pull request holds what `unlock` would free.
    `commanders`: who commanded the deployments that wait for this approval. `unshown`: the aliases whose waiting plan
    was shown only after the command was written. `idle`: nothing at all waits that this could approve. `cancelled`: a
    `/cancel` that was written after it was carried out before it came.
    """

    verb: Verb
    actor: Actor
    seen: str | None = None
    named: str | None = None
    force: bool = False
    state: bool = False
    values: bool = False
    locked_elsewhere: bool | None = None
    commanders: tuple[str, ...] | None = None
    unshown: tuple[str, ...] | None = None
    idle: bool = False
    cancelled: bool = False
