"""Why a command is refused: a closed set of codes, each told with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """What is not met, in the order in which it is told. Every one is described in docs/requirements.md."""

    NOT_ALLOWED = "not-allowed"
    PERMISSION_UNKNOWN = "permission-unknown"
    RULES_UNKNOWN = "rules-unknown"
    PULL_CLOSED = "pull-closed"
    PULL_MERGED = "pull-merged"
    CALLED_OFF = "called-off"
    DRAFT = "draft"
    BASE_BRANCH = "base-branch"
    OTHER_COMMIT = "other-commit"
    FORK_COMMIT = "fork-commit"
    NOTHING_SHOWN = "nothing-shown"
    PUSHED_SINCE = "pushed-since"
    CONFLICTS = "conflicts"
    MERGEABLE_UNKNOWN = "mergeable-unknown"
    STALE = "stale"
    STALE_UNKNOWN = "stale-unknown"
    BEHIND = "behind"
    BEHIND_UNKNOWN = "behind-unknown"
    CHANGES_REQUESTED = "changes-requested"
    APPROVALS = "approvals"
    APPROVALS_UNKNOWN = "approvals-unknown"
    CODE_OWNERS = "code-owners"
    CODE_OWNERS_UNKNOWN = "code-owners-unknown"
    CHECKS_FAILED = "checks-failed"
    CHECKS_PENDING = "checks-pending"
    CHECKS_MISSING = "checks-missing"
    CHECKS_UNKNOWN = "checks-unknown"
    OWN_COMMAND = "own-command"
    COMMANDER_UNKNOWN = "commander-unknown"
    OWN_PULL = "own-pull"
    PLAN_UNSEEN = "plan-unseen"
    PLAN_UNSEEN_UNKNOWN = "plan-unseen-unknown"
    APP_PERMISSION = "app-permission"
    WORKFLOW_FILE_MISSING = "workflow-file-missing"
    WORKFLOW_FILE_UNKNOWN = "workflow-file-unknown"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is not met: `message` says what is wrong, `mend` what to do.

    Both are this program's own words, without Markdown. Whatever comes from outside (aliases, branches, checks,
    teams) is in `names`, to be shown after the message as data.
    """

    code: Code
    message: str
    mend: str
    names: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The message with its names, for logs and terminals."""
        return f"{self.message}: {', '.join(repr(name) for name in self.names)}" if self.names else self.message


def short(commit: str) -> str:
    """How people write a commit. Gives a word of our own for what is none."""
    return commit[:7] if is_commit(commit) else "something that is no commit"


def is_commit(text: str) -> bool:
    """Whether a text is a whole commit id (SHA-1 or SHA-256)."""
    return len(text) in (40, 64) and all(sign in "0123456789abcdef" for sign in text)
