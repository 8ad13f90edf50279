"""A GitHub for a test, whose every answer and webhook is held against GitHub's own models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.github import GitHub
from tests.github_itself.clients import Receiver
from tests.github_itself.judge import Judge, judged


@pytest.fixture
def heard() -> Iterator[tuple[GitHub, Judge]]:
    """A GitHub and the judge that hears it."""
    made = GitHub()
    with judged(made) as judge, made:
        yield made, judge
    assert not made.errors, "\n".join(made.errors)


@pytest.fixture
def github(heard: tuple[GitHub, Judge]) -> GitHub:
    return heard[0]


@pytest.fixture
def judge(heard: tuple[GitHub, Judge]) -> Judge:
    return heard[1]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()
