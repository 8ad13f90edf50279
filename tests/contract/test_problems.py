"""What does not fit GitHub's description is found."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.__main__ import operation, problems


def described(schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"post": {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}}


SCHEMA = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "text": {"type": "string", "nullable": True}},
}
PATHS = {
    "/repos/{owner}/{repo}/{rest}": described({}),
    "/repos/{owner}/{repo}/checks": described(SCHEMA),
    "/repos/{owner}/{repo}/cancel": {"post": {}},
}
CHECKS = "POST /repos/{owner}/{repo}/checks"


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/repos/acme/shop/checks", {"name": "x", "text": None}, []),
        ("POST", "/repos/acme/shop/checks", {"text": "x"}, [f"{CHECKS}: the body: 'name' is a required property"]),
        ("POST", "/repos/acme/shop/checks", {"name": 7}, [f"{CHECKS}: name: 7 is not of type 'string'"]),
        ("POST", "/repos/acme/shop/checks", {"name": "x", "more": 1}, [f"{CHECKS}: more is not described"]),
        ("PUT", "/repos/acme/shop/checks", {}, ["PUT /repos/{owner}/{repo}/checks: there is no such operation"]),
        ("POST", "/elsewhere", {}, ["POST /elsewhere: there is no such operation"]),
        ("POST", "/repos/acme/shop/cancel", {}, []),
        ("POST", "/repos/acme/shop/cancel", {"x": 1}, ["POST /repos/{owner}/{repo}/cancel: it takes no body"]),
    ],
)
def test_a_body_is_held_against_its_schema(method: str, path: str, body: dict[str, Any], told: list[str]) -> None:
    assert list(problems(PATHS, {"method": method, "path": path, "body": body})) == told


def test_the_operation_is_the_one_with_the_most_words_of_its_own() -> None:
    assert operation(PATHS, "/repos/acme/shop/checks") == "/repos/{owner}/{repo}/checks"
    assert operation(PATHS, "/repos/acme/shop/others") == "/repos/{owner}/{repo}/{rest}"
