"""What may be applied without asking again: every combination, against the rules in the order of their strength."""

from __future__ import annotations

import itertools

import pytest

from bot.decide.acceptance import Acceptance, AcceptanceFacts, Reviewed, Unseen, acceptance
from bot.decide.facts import TaskAction
from planner.definition import Caution

APPROVED, SHOWN = Reviewed({"a": "1"}, ("a.b",)), Reviewed({"a": "2"})
ALL = [
    AcceptanceFacts(*values)
    for values in itertools.product(
        [TaskAction.DEPLOY, TaskAction.DESTROY, TaskAction.ADOPT],
        [False, True],
        [False, True],
        [None, APPROVED],
        [None, SHOWN],
        [False, True],
        [False, True],
        [False, True],
        [False, True],
        [False, True],
        [Caution.APPLY, Caution.APPROVE],
        [Caution.APPLY, Caution.APPROVE],
        [Caution.APPLY, Caution.APPROVE],
    )
]


def by_the_rules(facts: AcceptanceFacts) -> Acceptance:
    """Strongest first: adoption applies nothing, an approval, `requiresApproval`, `--auto-approve`, the workflow's."""
    unseen = Unseen.NONE
    shown = facts.shown
    if shown is not None and facts.retried:
        shown = Reviewed(shown.leaves, shown.paths, less=True)
    relaxed = facts.continuous and facts.action is TaskAction.DEPLOY and facts.unseen_plans is Caution.APPLY
    if facts.action is TaskAction.DEPLOY:
        if facts.continuous:
            unseen = Unseen.CREATES
        if facts.upstream_changed and facts.shown and facts.downstream is Caution.APPLY:
            unseen = Unseen.CREATES_UPDATES
        elif facts.upstream_changed and facts.shown:
            unseen = Unseen.NONE
        if facts.never_deployed and facts.awaited_output:
            unseen = Unseen.CREATES if facts.first_deploy is Caution.APPLY else Unseen.NONE
    rules = [
        (facts.action is TaskAction.ADOPT, Acceptance()),
        (facts.approved is not None, Acceptance(reviewed=facts.approved)),
        (facts.requires_approval, Acceptance()),
        (facts.auto_approve or relaxed, Acceptance(everything=True)),
        (True, Acceptance(reviewed=shown, unseen=unseen)),
    ]
    return next(answer for fits, answer in rules if fits)


def test_every_combination() -> None:
    assert len(ALL) == 3 * 2**12
    for facts in ALL:
        assert acceptance(facts) == by_the_rules(facts), facts


def test_what_must_never_be() -> None:
    for facts in ALL:
        answer = acceptance(facts)
        assert not (facts.requires_approval and answer.everything)
        assert not (facts.action is TaskAction.DESTROY and answer.unseen is not Unseen.NONE)
        assert not (facts.action is TaskAction.ADOPT and answer != Acceptance())
        assert not (answer.everything and not (facts.auto_approve or facts.continuous))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Acceptance(reviewed=SHOWN)),
        ({"upstream_changed": True}, Acceptance(reviewed=SHOWN, unseen=Unseen.CREATES_UPDATES)),
        ({"upstream_changed": True, "downstream": Caution.APPROVE}, Acceptance(reviewed=SHOWN)),
        ({"shown": None, "never_deployed": True, "awaited_output": True}, Acceptance(unseen=Unseen.CREATES)),
        ({"shown": None, "awaited_output": True}, Acceptance()),
        ({"continuous": True, "shown": None}, Acceptance(unseen=Unseen.CREATES)),
        ({"continuous": True, "shown": None, "unseen_plans": Caution.APPLY}, Acceptance(everything=True)),
        ({"retried": True}, Acceptance(reviewed=Reviewed({"a": "2"}, less=True))),
        ({"approved": APPROVED, "requires_approval": True}, Acceptance(reviewed=APPROVED)),
    ],
)
def test_the_usual_cases(changes: dict[str, object], expected: Acceptance) -> None:
    usual = {"action": TaskAction.DEPLOY, "requires_approval": False, "auto_approve": False, "shown": SHOWN}
    assert acceptance(AcceptanceFacts(**{**usual, **changes})) == expected
