"""What GitHub's answers mean: pure functions from status, headers and body to data or an error for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.github.errors import (
    Forbidden,
    GitHubError,
    Gone,
    NotFound,
    NotInstalled,
    NotUnderstood,
    RateLimited,
    Refused,
    Suspended,
    Unauthorized,
    Unreachable,
)
from bot.github.wire import Answer

SECONDARY_SECONDS = 60.0
"""GitHub asks for a minute where it names no time."""

_LONGEST_WAIT = 3660.0
_MOST_WORDS = 500
_MISSING = "it may be deleted or renamed, or the App may not reach it: look where the App is installed"
_SAFE = ("GET", "HEAD")
_PRIMARY = "api rate limit exceeded"
_SECONDARY = (
    "secondary rate limit",
    "abuse detection",
    "please retry your request again later",
    "wait a few minutes before you try again",
)


def json_of(answer: Answer, call: str) -> object:
    """The JSON of an answer; None for an empty one. Raises NotUnderstood."""
    if not answer.body:
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        pass  # raised below, so that no traceback leads to the body
    mend = "look whether the address of the API is right, and whether a proxy answers in its place"
    raise NotUnderstood(f"GitHub's answer to {call} is not JSON", mend, answer.status)


def words_of(answer: Answer) -> str:
    """GitHub's own words in a refusal, on one line, at most 500 characters; empty for an answer that is not JSON."""
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(told, dict):
        return ""
    parts = [str(told.get("message", ""))]
    errors = told.get("errors")
    parts += [_error_words(one) for one in (errors if isinstance(errors, list) else [])]
    text = " ".join("; ".join(part for part in parts if part).split())
    return text if len(text) <= _MOST_WORDS else f"{text[:_MOST_WORDS]}…"


def _error_words(one: object) -> str:
    if not isinstance(one, dict):
        return str(one)
    if one.get("message"):
        return str(one["message"])
    return " ".join(str(one[name]) for name in ("resource", "field", "code") if one.get(name))


def seconds_since_1970(answer: Answer) -> float | None:
    """The time by GitHub's clock when it answered, where it tells."""
    try:
        return parsedate_to_datetime(answer["date"]).timestamp()
    except (ValueError, TypeError):
        return None


def seconds_until(iso: datetime, answer: Answer, now: float) -> float:
    """How long until a time that GitHub named, by its own clock as far as it is known; `now` by ours otherwise."""
    told = seconds_since_1970(answer)
    return iso.astimezone(UTC).timestamp() - (now if told is None else told)


def number_in(answer: Answer, header: str) -> int | None:
    """A header's number."""
    text = answer[header].strip()
    try:
        return int(float(text))  # GitHub has sent floats
    except (ValueError, OverflowError):
        return None


def wait_in(answer: Answer, now: float) -> float | None:
    """For how many seconds an answer asks us to stay away: `Retry-After`, else the reset of a limit that is used up."""
    text = answer["retry-after"].strip()
    wait: float | None = None
    if text.isdigit():
        wait = float(text)
    elif text:
        try:
            wait = seconds_until(parsedate_to_datetime(text), answer, now)
        except (ValueError, TypeError):
            wait = None
    reset = number_in(answer, "x-ratelimit-reset")
    if wait is None and reset is not None and number_in(answer, "x-ratelimit-remaining") == 0:
        told = seconds_since_1970(answer)
        wait = reset - (now if told is None else told)
    return None if wait is None else min(max(wait, 1.0), _LONGEST_WAIT)


def error_of(answer: Answer, method: str, call: str, now: float) -> GitHubError:
    """The error that an answer of 400 or more is. `call` names it for people, `now` is the wall clock."""
    status, words = answer.status, words_of(answer)
    if status in (403, 429) and (limited := _limited(answer, words, now)):
        return limited
    if status >= 500:
        what = f"GitHub failed to answer {call} ({status})"
        return Unreachable(what, uncertain=method not in _SAFE, status=status, wait=wait_in(answer, now))
    if status == 401:
        return _unauthorized(words, call)
    if status in (403, 451):
        return _forbidden(answer, words, call)
    if status == 410:
        return Gone(f"GitHub says that it is gone: {call}: {words}", _MISSING, status)
    if status == 404 or (status == 422 and words.lower().startswith("no commit found")):
        return _not_found(words, call, status)
    return Refused(f"GitHub refuses {call}: {words or status}", "", status, words)


def _not_found(words: str, call: str, status: int) -> GitHubError:
    if words.lower().startswith("integration not found"):
        return _unauthorized(words, call, status)
    told = f": {words}" if words and words.lower() != "not found" else ""
    return NotFound(f"GitHub finds nothing for {call}{told}", _MISSING, status)


def _limited(answer: Answer, words: str, now: float) -> RateLimited | None:
    lower = words.lower()
    secondary = any(sign in lower for sign in _SECONDARY)
    primary = _PRIMARY in lower and not secondary
    if not (primary or secondary or answer.status == 429 or answer["retry-after"]):
        return None
    wait = wait_in(answer, now) or SECONDARY_SECONDS
    what = "GitHub's limit of requests is used up" if primary else "GitHub asks for a pause (secondary rate limit)"
    return RateLimited(what, wait, secondary=not primary, status=answer.status)


def _unauthorized(words: str, call: str, status: int = 401) -> Unauthorized:
    told = f": {words}" if words else ""
    return Unauthorized(
        f"GitHub does not accept who we are ({call}){told}",
        "look whether HEADWATER_GITHUB_APP_ID and the private key belong together, and whether the clock here is right",
        status,
    )


def _forbidden(answer: Answer, words: str, call: str) -> GitHubError:
    lower = words.lower()
    if "suspended" in lower and "installation" in lower:
        return suspended(answer.status)
    if "not accessible by integration" in lower:
        permission = permission_words(answer["x-accepted-github-permissions"])
        if permission:
            return Forbidden.lacking(permission, call, answer.status)
    if "archived" in lower:
        return Forbidden(f"the repository is archived ({call})", "unarchive it in its settings", answer.status)
    return Forbidden(f"GitHub does not allow {call}: {words or answer.status}", "", answer.status)


def suspended(status: int | None = None) -> Suspended:
    """The installation is suspended."""
    mend = "take that back in the settings of the account, under GitHub Apps"
    return Suspended("the installation of the GitHub App is suspended", mend, status)


def not_installed(where: str, status: int | None = None) -> NotInstalled:
    """The App is not installed there."""
    return NotInstalled(
        f"the GitHub App is not installed on {where}",
        "install it there, or add the repository to its installation (the App's page, Install App)",
        status,
    )


def permission_words(header: str) -> str:
    """`X-Accepted-GitHub-Permissions` for people: `issues=write; pull_requests=write` is one or the other."""
    choices = []
    for choice in header.split(";"):
        pairs = [one.strip().partition("=") for one in choice.split(",")]
        choices.append(" and ".join(f"{name.strip()}: {level.strip()}" for name, _, level in pairs if name and level))
    return " or ".join(one for one in choices if one)
