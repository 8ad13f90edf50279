"""GitHub's JSON as the data of `data.py`. Only fields that Headwater uses are looked at, and none is taken on trust."""

from __future__ import annotations

from collections.abc import Iterable

from bot.github.data import (
    LEVELS,
    CheckData,
    CommentData,
    DeliveryData,
    InstallationData,
    JobData,
    PullData,
    RepositoryData,
    RequiredCheck,
    ReviewData,
    RunData,
)
from bot.github.errors import NotUnderstood

GHOST = "ghost"
"""Whom GitHub shows in place of a deleted account."""


class Shape:
    """A JSON value that may lack anything: what is asked for has the type that was asked for, or its default."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def at(self, *path: str) -> Shape:
        """A value within."""
        value = self._value
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return Shape(value)

    def maybe_text(self, *path: str) -> str | None:
        """A text, or None."""
        value = self.at(*path)._value
        return value if isinstance(value, str) else None

    def text(self, *path: str, default: str = "") -> str:
        """A text."""
        value = self.maybe_text(*path)
        return default if value is None else value

    def maybe_number(self, *path: str) -> int | None:
        """A whole number, or None."""
        value = self.at(*path)._value
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def number(self, *path: str, default: int = 0) -> int:
        """A whole number."""
        value = self.maybe_number(*path)
        return default if value is None else value

    def id(self, *path: str) -> int:
        """A number without which nothing makes sense. Raises NotUnderstood."""
        value = self.maybe_number(*path)
        if value is None:
            mend = "look whether the address of the API is right, and whether a proxy answers in its place"
            raise NotUnderstood(f"GitHub's answer has no {'.'.join(path)}", mend)
        return value

    def maybe_flag(self, *path: str) -> bool | None:
        """A truth, or None."""
        value = self.at(*path)._value
        return value if isinstance(value, bool) else None

    def flag(self, *path: str) -> bool:
        """A truth; false where nothing is said."""
        return self.maybe_flag(*path) is True

    def items(self, *path: str) -> list[Shape]:
        """The values of a list."""
        value = self.at(*path)._value
        return [Shape(one) for one in value] if isinstance(value, list) else []

    def texts(self, *path: str) -> dict[str, str]:
        """The texts of an object, by name."""
        value = self.at(*path)._value
        return {name: one for name, one in value.items() if isinstance(one, str)} if isinstance(value, dict) else {}

    def __bool__(self) -> bool:
        return self._value is not None


def repository_of(json: object) -> RepositoryData:
    """A repository."""
    one = Shape(json)
    return RepositoryData(
        one.id("id"), one.text("full_name"), one.text("default_branch", default="main"), one.text("clone_url"),
        one.text("html_url"), one.flag("private"), one.flag("archived"),
    )  # fmt: skip


def installation_of(json: object) -> InstallationData:
    """An installation."""
    one = Shape(json)
    events = tuple(each.text() for each in one.items("events"))
    return InstallationData(
        one.id("id"), one.text("account", "login"), one.text("account", "type", default=one.text("target_type")),
        one.texts("permissions"), bool(one.at("suspended_at")), one.text("html_url"), events,
    )  # fmt: skip


def delivery_of(json: object) -> DeliveryData:
    """A webhook that was sent."""
    one = Shape(json)
    return DeliveryData(
        one.id("id"), one.text("guid"), one.text("delivered_at"), one.number("status_code"),
        one.text("event"), one.maybe_text("action"), one.maybe_number("installation_id"),
        one.maybe_number("repository_id"),
    )  # fmt: skip


def pull_of(json: object) -> PullData:
    """A pull request, asked for alone, of a list or of a webhook."""
    one = Shape(json)
    head, base = one.maybe_number("head", "repo", "id"), one.maybe_number("base", "repo", "id")
    return PullData(
        number=one.id("number"),
        state=one.text("state"),
        merged=one.flag("merged") or one.maybe_text("merged_at") is not None,
        merge_commit=one.maybe_text("merge_commit_sha"),
        draft=one.flag("draft"),
        title=one.text("title"),
        author=one.text("user", "login", default=GHOST),
        head_sha=one.text("head", "sha"),
        head_ref=one.text("head", "ref"),
        fork=head is None or head != base,
        base_ref=one.text("base", "ref"),
        mergeable=one.maybe_flag("mergeable"),
        html_url=one.text("html_url"),
        updated_at=one.text("updated_at"),
        merged_by=one.maybe_text("merged_by", "login") or "",
    )


def comment_of(json: object) -> CommentData:
    """A comment on a pull request or a commit."""
    one = Shape(json)
    return CommentData(
        one.id("id"), one.text("user", "login", default=GHOST), one.text("body"), one.text("created_at"),
        one.text("updated_at"), one.text("html_url"),
    )  # fmt: skip


def review_of(json: object) -> ReviewData:
    """A review."""
    one = Shape(json)
    return ReviewData(
        one.id("id"), one.text("user", "login", default=GHOST), one.text("state").upper(), one.maybe_text("commit_id"),
    )  # fmt: skip


def check_of(json: object) -> CheckData:
    """A check run."""
    one = Shape(json)
    return CheckData(
        one.id("id"), one.text("name"), one.text("status"), one.maybe_text("conclusion"), one.text("app", "slug"),
        one.maybe_number("app", "id"), one.text("external_id"), one.text("head_sha"), one.text("html_url"),
        one.number("output", "annotations_count", default=0),
    )  # fmt: skip


def run_of(json: object) -> RunData:
    """A workflow run."""
    one = Shape(json)
    return RunData(
        one.id("id"), one.text("name"), one.text("display_title"), one.text("status"), one.maybe_text("conclusion"),
        one.text("html_url"), one.text("event"), one.number("run_attempt", default=1),
        one.text("head_sha"), one.text("path").partition("@")[0], one.text("created_at"),
    )  # fmt: skip


def job_of(json: object) -> JobData:
    """A job of a run."""
    one = Shape(json)
    return JobData(
        one.id("id"), one.id("run_id"), one.text("name"), one.text("status"), one.maybe_text("conclusion"),
        one.text("html_url"), one.number("run_attempt", default=1), one.maybe_text("started_at"),
    )  # fmt: skip


def role_of(json: object) -> str:
    """What somebody may do: none, read, triage, write, maintain or admin; of a custom role, what it is built on."""
    one = Shape(json)
    role, base = one.text("role_name"), one.text("permission", default="none")
    known = ("none", "read", "triage", "write", "maintain", "admin")
    return role if role in known else base if base in known else "none"


def protection_checks(json: object) -> tuple[RequiredCheck, ...]:
    """The checks that a branch's protection demands."""
    told = Shape(json).at("required_status_checks")
    named = [(one.text("context"), one.maybe_number("app_id")) for one in told.items("checks")]
    plain = [(one.text(), None) for one in told.items("contexts")]
    return _checks(named or plain)


def ruleset_checks(rules: Iterable[object]) -> tuple[RequiredCheck, ...]:
    """The checks that the rulesets of a branch demand."""
    found = [Shape(rule) for rule in rules]
    return _checks(
        (one.text("context"), one.maybe_number("integration_id"))
        for rule in found
        if rule.text("type") == "required_status_checks"
        for one in rule.items("parameters", "required_status_checks")
    )


def _checks(found: Iterable[tuple[str, int | None]]) -> tuple[RequiredCheck, ...]:
    """Sorted, each once; an App of -1 or 0 is any."""
    made = {RequiredCheck(name, app if app and app > 0 else None) for name, app in found if name}
    return tuple(sorted(made, key=lambda one: (one.context, one.app_id or 0)))


def missing(needed: Iterable[tuple[str, str]], granted: dict[str, str]) -> tuple[str, ...]:
    """Which permissions are not granted, as `checks: write`."""

    def level(name: str) -> int:
        return LEVELS.index(granted[name]) if granted.get(name) in LEVELS else 0

    return tuple(f"{name}: {wanted}" for name, wanted in needed if level(name) < LEVELS.index(wanted))
