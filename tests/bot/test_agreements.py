"""Words that two layers have to share though neither may import the other."""

from __future__ import annotations

from enum import StrEnum

import pytest

from bot.briefing import _KINDS
from bot.decide import acceptance, facts
from bot.runner import attempt, failure, spec


@pytest.mark.parametrize(
    ("deciding", "running"),
    [(facts.Result, attempt.Result), (acceptance.Unseen, spec.Unseen)],
    ids=["result", "unseen"],
)
def test_the_deciding_layer_and_the_runner_say_the_same(deciding: type[StrEnum], running: type[StrEnum]) -> None:
    assert [one.value for one in deciding] == [one.value for one in running]


def test_what_can_be_asked_of_a_runner_is_what_it_understands() -> None:
    assert {one.value for one in facts.Stop} <= {one.value for one in failure.Stop}


def test_every_task_has_a_kind_of_attempt() -> None:
    assert set(_KINDS) == set(facts.TaskAction)
    assert {spec.Kind(kind) for kind in _KINDS.values()} == set(spec.Kind)
