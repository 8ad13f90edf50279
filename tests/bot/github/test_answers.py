"""What GitHub's answers mean, also those that the GitHub on localhost never gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bot.github.answers import error_of, json_of, permission_words, words_of
from bot.github.calls import next_page
from bot.github.data import RequiredCheck
from bot.github.errors import (
    Forbidden,
    GitHubError,
    Gone,
    NotFound,
    NotUnderstood,
    RateLimited,
    Refused,
    Suspended,
    Unauthorized,
    Unreachable,
)
from bot.github.reading import (
    comment_of,
    job_of,
    protection_checks,
    pull_of,
    role_of,
    ruleset_checks,
    run_of,
)
from bot.github.wire import Answer

DATE = {"date": "Thu, 01 Jan 1970 00:16:40 GMT"}  # 1000 by GitHub's clock


def error(status: int, message: str = "", method: str = "GET", **headers: str) -> GitHubError:
    told = {name.replace("_", "-"): text for name, text in headers.items()}
    return error_of(Answer(status, told, json.dumps({"message": message}).encode()), method, f"{method} /x", 5000.0)


@pytest.mark.parametrize(("status", "message", "headers", "kind"), [
    (401, "Bad credentials", {}, Unauthorized), (404, "Not Found", {}, NotFound), (410, "Issues are disabled", {}, Gone),
    (404, "Integration not found", {}, Unauthorized), (403, "Resource not accessible by integration", {}, Forbidden),
    (403, "This installation has been suspended", {}, Suspended), (451, "Repository access blocked", {}, Forbidden),
    (403, "API rate limit exceeded for installation ID 7.", {}, RateLimited), (429, "", {}, RateLimited),
    (403, "You have exceeded a secondary rate limit.", {}, RateLimited), (403, "x", {"retry_after": "3"}, RateLimited),
    (403, "You have triggered an abuse detection mechanism.", {}, RateLimited), (500, "", {}, Unreachable),
    (503, "", {}, Unreachable), (400, "Problems parsing JSON", {}, Refused), (409, "Git Repository is empty.", {}, Refused),
    (422, "Validation Failed", {}, Refused), (422, "No commit found for SHA: f", {}, NotFound), (418, "", {}, Refused),
])  # fmt: skip
def test_each_answer_is_an_error_of_its_kind(
    status: int, message: str, headers: Mapping[str, str], kind: type[GitHubError]
) -> None:
    found = error(status, message, **headers)
    assert type(found) is kind
    assert found.status == status
    assert found.what


@pytest.mark.parametrize(("headers", "wait"), [
    ({"retry-after": "30"}, 30), ({"retry-after": "0"}, 1), ({"retry-after": "99999999"}, 3660),
    ({"retry-after": "Thu, 01 Jan 1970 00:17:10 GMT", **DATE}, 30),
    ({"retry-after": "soon"}, 60), ({}, 60),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1900", **DATE}, 900),
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "5100"}, 100),  # no date: by our own clock
    ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, 1),
    ({"x-ratelimit-remaining": "9", "x-ratelimit-reset": "1900", **DATE}, 60),
    ({"x-ratelimit-remaining": "x", "x-ratelimit-reset": "nan"}, 60),
])  # fmt: skip
def test_how_long_to_stay_away(headers: Mapping[str, str], wait: float) -> None:
    found = error_of(Answer(429, headers, b""), "GET", "GET /x", 5000.0)
    assert isinstance(found, RateLimited)
    assert found.wait == wait


def test_a_write_that_failed_may_have_been_done() -> None:
    assert [error(502, method=one).uncertain for one in ("GET", "POST", "PATCH")] == [False, True, True]  # type: ignore[attr-defined]
    assert error(503, retry_after="120").wait == 120  # type: ignore[attr-defined]


@pytest.mark.parametrize(("header", "words"), [
    ("checks=write", "checks: write"), ("issues=write; pull_requests=write", "issues: write or pull_requests: write"),
    ("contents=read,metadata=read; administration=write", "contents: read and metadata: read or administration: write"),
    ("", ""), (";,=", ""), ("junk", ""),
])  # fmt: skip
def test_a_permission_in_words(header: str, words: str) -> None:
    assert permission_words(header) == words
    found = error(403, "Resource not accessible by integration", x_accepted_github_permissions=header)
    assert isinstance(found, Forbidden)
    assert found.permission == (words or None)


@pytest.mark.parametrize(("body", "words"), [
    ({"message": "Validation Failed", "errors": [{"resource": "X", "code": "y", "field": "z"}, "and\nthis", {"message": "m"}]},
     "Validation Failed; X z y; and this; m"),
    ({"message": "a" * 900}, "a" * 500 + "…"), ({"errors": "x"}, ""), ([1], ""), ("text", ""), (None, ""),
])  # fmt: skip
def test_words(body: Any, words: str) -> None:
    assert words_of(Answer(422, {}, json.dumps(body).encode())) == words


def test_words_of_what_is_not_json() -> None:
    assert words_of(Answer(502, {}, b"<html>secret</html>")) == ""
    assert words_of(Answer(502, {}, b"[" * 100_000)) == ""
    with pytest.raises(NotUnderstood):
        json_of(Answer(200, {}, b"<html>"), "GET /x")
    assert json_of(Answer(204, {}, b""), "GET /x") is None


@pytest.mark.parametrize(("link", "address"), [
    ('<https://a/x?page=2>; rel="next", <https://a/x?page=9>; rel="last"', "https://a/x?page=2"),
    ('<https://a/x?page=1>; rel="prev"', None), ("", None), ("junk", None),
    ('<https://a/x?page=1>; rel="prev", <https://a/x?page=3>; rel="next"', "https://a/x?page=3"),
])  # fmt: skip
def test_the_next_page(link: str, address: str | None) -> None:
    assert next_page(link) == address


def test_what_lacks_all_is_read_all_the_same() -> None:
    pull = pull_of({"number": 7, "user": None, "head": {"repo": None}, "mergeable": "yes"})
    assert (pull.author, pull.fork, pull.mergeable) == ("ghost", True, None)
    assert comment_of({"id": 1, "user": None, "body": None}).author == "ghost"
    assert run_of({"id": 1, "path": ".github/workflows/x.yml@main"}).path == ".github/workflows/x.yml"
    for wrong in ({}, [], None, "x", {"number": "7"}, {"number": True}):
        with pytest.raises(NotUnderstood, match="number"):
            pull_of(wrong)
    with pytest.raises(NotUnderstood, match="run_id"):
        job_of({"id": 1})


@pytest.mark.parametrize(("told", "role"), [
    ({"role_name": "maintain", "permission": "write"}, "maintain"), ({"permission": "admin"}, "admin"),
    ({"role_name": "Release Captain", "permission": "write"}, "write"), ({"role_name": "x", "permission": "owner"}, "none"),
    ({}, "none"), ({"role_name": None, "permission": "read"}, "read"), (None, "none"),
])  # fmt: skip
def test_a_custom_role_counts_as_what_it_is_built_on(told: object, role: str) -> None:
    assert role_of(told) == role


def test_required_checks_of_protection_and_rulesets() -> None:
    told = {"required_status_checks": {"contexts": ["a", "b"], "checks": [
        {"context": "b", "app_id": -1}, {"context": "a", "app_id": 7}, {"context": "a", "app_id": 7},
    ]}}  # fmt: skip
    assert protection_checks(told) == (RequiredCheck("a", 7), RequiredCheck("b"))
    del told["required_status_checks"]["checks"]
    assert protection_checks(told) == (RequiredCheck("a"), RequiredCheck("b"))
    assert protection_checks({"required_status_checks": None}) == protection_checks({}) == ()
    rules = [
        {"type": "deletion"},
        {"type": "required_status_checks", "parameters": {
            "required_status_checks": [{"context": "lint", "integration_id": 15368}, {"context": "any"}],
        }},
    ]  # fmt: skip
    assert ruleset_checks(rules) == (RequiredCheck("any"), RequiredCheck("lint", 15368))
