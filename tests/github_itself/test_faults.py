"""Misbehaviour on demand: what a client sees, and what was done all the same."""

from __future__ import annotations

import time

import pytest
import requests

from tests.github import GitHub
from tests.github.world.repository import Repository
from tests.github_itself.clients import as_person, call
from tests.github_itself.judge import Judge


@pytest.fixture
def shop(github: GitHub) -> Repository:
    made = github.repository("acme/shop", {"README.md": "# Shop\n"}, write=["ada"])
    github.commit(made, {"x": "y"}, branch="feature", by="ada")
    as_person(github, "ada").get_repo("acme/shop").create_pull("main", "feature", title="x")
    return made


@pytest.fixture
def token(github: GitHub) -> str:
    return github.world.personal_token("ada")


COMMENTS = "/repos/acme/shop/issues/1/comments"


def test_errors_and_retry_after(github: GitHub, shop: Repository, token: str) -> None:
    fault = github.faults.error("comments", 503, "POST", times=2)
    statuses = [call(github, "POST", COMMENTS, token, json={"body": "x"}).status_code for _ in range(3)]
    assert (statuses, len(shop.comments), len(fault.met)) == ([503, 503, 201], 1, 2)
    github.faults.retry_after(seconds=7, status=429)
    answer = call(github, "GET", COMMENTS, token)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    github.faults.error(times=None)
    assert [call(github, "GET", COMMENTS, token).status_code for _ in range(3)] == [502] * 3
    github.faults.mend()
    assert call(github, "GET", COMMENTS, token).status_code == 200


def test_an_answer_is_lost_after_the_effect(github: GitHub, shop: Repository, token: str) -> None:
    github.faults.lose_answer("comments", "POST")
    with pytest.raises(requests.ConnectionError):
        call(github, "POST", COMMENTS, token, json={"body": "done all the same"})
    assert [one.body for one in shop.comments.values()] == ["done all the same"]
    github.faults.cut("comments", "POST")
    with pytest.raises(requests.ConnectionError):
        call(github, "POST", COMMENTS, token, json={"body": "never"})
    assert len(shop.comments) == 1


def test_the_judge_hears_an_answer_that_is_lost(github: GitHub, judge: Judge, shop: Repository, token: str) -> None:
    github.faults.lose_answer("comments", "POST")
    with pytest.raises(requests.ConnectionError):
        call(github, "POST", COMMENTS, token, json={"body": "x"})
    assert ("POST", "/repos/<owner>/<repo>/issues/<int:number>/comments") in judge.told


def test_slow_answers(github: GitHub, shop: Repository, token: str) -> None:
    github.faults.drip("comments", seconds=0.4)
    started = time.monotonic()
    assert call(github, "GET", COMMENTS, token).json() == []
    github.faults.late("comments", seconds=0.2)
    assert call(github, "GET", COMMENTS, token).json() == []
    assert time.monotonic() - started >= 0.4


def test_a_token_expires_within_a_call(github: GitHub, shop: Repository, token: str) -> None:
    github.faults.expire_token("comments")
    assert call(github, "GET", COMMENTS, token).json()["message"] == "Bad credentials"
    assert call(github, "GET", "/repos/acme/shop", token).status_code == 401


def test_git_fails_too(github: GitHub, shop: Repository, token: str) -> None:
    github.faults.error("info/refs", 503)
    answer = requests.get(f"{github.url}/acme/shop.git/info/refs?service=git-upload-pack", timeout=5)
    assert answer.status_code == 503


def test_too_many_at_once(github: GitHub, shop: Repository, token: str) -> None:
    github.limits.concurrent = 0
    answer = call(github, "GET", COMMENTS, token)
    assert (answer.status_code, answer.headers["Retry-After"]) == (403, "1")


def test_comments_are_listed_late(github: GitHub, shop: Repository, token: str) -> None:
    github.faults.unlisted_seconds = 5
    call(github, "POST", COMMENTS, token, json={"body": "x"})
    assert call(github, "GET", COMMENTS, token).json() == []
    github.world.clock.move(6)
    assert len(call(github, "GET", COMMENTS, token).json()) == 1
