"""What Headwater needs of GitHub's answers, as plain frozen data. Times are ISO 8601 texts as GitHub writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

NEEDED: Mapping[str, str] = {
    "metadata": "read", "contents": "read", "members": "read", "statuses": "read", "administration": "read",
    "pull_requests": "write", "issues": "write", "checks": "write", "actions": "write",
}  # fmt: skip
"""The permissions that Headwater's App must have."""

LEVELS = ("none", "read", "write", "admin")
"""How much a permission allows, rising."""


@dataclass(frozen=True, slots=True)
class Token:
    """An installation's token; its text shows in no representation. `expires_at` is GitHub's word for it."""

    value: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InstallationData:
    """Where the App is installed; `account_type` is User or Organization."""

    id: int
    account: str
    account_type: str
    permissions: Mapping[str, str]
    suspended: bool
    html_url: str
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AppData:
    """The App as its settings at GitHub have it; `webhook_url` is "" where it sends no webhooks."""

    slug: str
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    webhook_url: str


@dataclass(frozen=True, slots=True)
class ManifestData:
    """What GitHub made of an App manifest: the App and its secrets, told this once."""

    app_id: int
    slug: str
    name: str
    owner: str
    html_url: str
    private_key_pem: str = field(repr=False)
    webhook_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryData:
    """A webhook that GitHub sent, or tried to: `status_code` is what it was answered (0: nothing)."""

    id: int
    guid: str
    delivered_at: str
    status_code: int
    event: str
    action: str | None
    installation_id: int | None
    repository_id: int | None

    @property
    def failed(self) -> bool:
        """Whether the webhook did not arrive."""
        return not 200 <= self.status_code < 400


@dataclass(frozen=True, slots=True)
class RepositoryData:
    """A repository."""

    id: int
    full_name: str
    default_branch: str
    clone_url: str
    html_url: str
    private: bool
    archived: bool


@dataclass(frozen=True, slots=True)
class PullData:
    """A pull request. `mergeable` is None while GitHub works it out, and in lists.

    Of a fork that is deleted, `fork` is true, for nothing says otherwise.
    `merge_commit` is what the merge made; before a merge, GitHub's try at one.
    """

    number: int
    state: str
    merged: bool
    merge_commit: str | None
    draft: bool
    title: str
    author: str
    head_sha: str
    head_ref: str
    fork: bool
    base_ref: str
    mergeable: bool | None
    html_url: str
    updated_at: str
    merged_by: str = ""  # told only where it is asked for alone


@dataclass(frozen=True, slots=True)
class CommentData:
    """A comment on a pull request or a commit"""

    id: int
    author: str
    body: str
    created_at: str
    updated_at: str
    html_url: str


@dataclass(frozen=True, slots=True)
class ReviewData:
    """A review of `commit`: `state` is APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING."""

    id: int
    author: str
    state: str
    commit: str | None


class CheckStatus(StrEnum):
    """How far a check run of ours is."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"


class Conclusion(StrEnum):
    """How a check run of ours ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"
    CANCELLED = "cancelled"
    ACTION_REQUIRED = "action_required"
    SKIPPED = "skipped"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class CheckOutput:
    """What a check run shows: `summary` and `text` are Markdown of at most 65,535 bytes each."""

    title: str
    summary: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A remark of a check run at lines of a file; `level` is notice, warning or failure."""

    path: str
    start_line: int
    end_line: int
    message: str
    level: str = "failure"
    title: str = ""


@dataclass(frozen=True, slots=True)
class CheckData:
    """A check run."""

    id: int
    name: str
    status: str
    conclusion: str | None
    app_slug: str
    app_id: int | None
    external_id: str
    head_sha: str = ""
    html_url: str = ""
    annotations: int = 0  # how many it has


@dataclass(frozen=True, slots=True)
class StatusData:
    """The newest commit status of a context: error, failure, pending or success."""

    context: str
    state: str


@dataclass(frozen=True, slots=True)
class RunData:
    """A workflow run; `display_title` is what `run-name` gave."""

    id: int
    name: str
    display_title: str
    status: str
    conclusion: str | None
    html_url: str
    event: str
    run_attempt: int
    head_sha: str
    path: str
    created_at: str


@dataclass(frozen=True, slots=True)
class JobData:
    """A job of a run; its id is also that of its check run (`check_run_id` of its identity token)."""

    id: int
    run_id: int
    name: str
    status: str
    conclusion: str | None
    html_url: str
    run_attempt: int
    started_at: str | None


@dataclass(frozen=True, slots=True)
class RequiredCheck:
    """A check that a branch demands; `app_id` None: from whomever."""

    context: str
    app_id: int | None = None
