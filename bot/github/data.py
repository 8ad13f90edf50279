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
    """Where the App is installed; `account_type` is User or Organization, `selected` tells that some repositories
    were picked."""

    id: int
    account: str
    account_type: str
    account_id: int
    permissions: Mapping[str, str]
    suspended: bool
    selected: bool
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
    client_id: str
    private_key_pem: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryData:
    """A webhook that GitHub sent, or tried to: `status_code` is what it was answered (0: nothing)."""

    id: int
    guid: str
    delivered_at: str
    redelivery: bool
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
    """A repository; `parent_full_name` (what it is a fork of) is known only when it was asked for alone."""

    id: int
    full_name: str
    default_branch: str
    clone_url: str
    html_url: str
    private: bool
    archived: bool
    parent_full_name: str | None = None


@dataclass(frozen=True, slots=True)
class PullData:
    """A pull request. `mergeable` is None while GitHub works it out, and in lists.

    `head_repository_id` is None once the fork is deleted; `fork` is then true, for nothing says otherwise.
    `merge_commit` is what the merge made; before a merge, GitHub's try at one.
    """

    number: int
    state: str
    merged: bool
    merged_at: str | None
    merge_commit: str | None
    draft: bool
    title: str
    author: str
    author_type: str
    head_sha: str
    head_ref: str
    head_repository_id: int | None
    fork: bool
    base_ref: str
    base_sha: str
    mergeable: bool | None
    html_url: str
    updated_at: str
    merged_by: str = ""  # told only where it is asked for alone


@dataclass(frozen=True, slots=True)
class CommentData:
    """A comment on a pull request or a commit; `by_app_id` is the App that wrote it, where GitHub tells."""

    id: int
    author: str
    author_type: str
    body: str
    created_at: str
    updated_at: str
    html_url: str
    by_app_id: int | None = None

    @property
    def edited(self) -> bool:
        """Whether it was changed after it was written."""
        return self.created_at != self.updated_at


@dataclass(frozen=True, slots=True)
class ReviewData:
    """A review of `commit`: `state` is APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED or PENDING."""

    author: str
    author_type: str
    state: str
    commit: str | None
    submitted_at: str


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
    head_branch: str | None
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
    completed_at: str | None = None


@dataclass(frozen=True, slots=True)
class RequiredCheck:
    """A check that a branch demands; `app_id` None: from whomever."""

    context: str
    app_id: int | None = None
