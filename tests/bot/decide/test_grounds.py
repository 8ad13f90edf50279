"""What let a command through, in words: the rules that its author met, and what held."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.decide.gates import Actor, Verb
from bot.decide.grounds import grounds
from planner.definition import Permissions, Requirements
from tests.bot.decide.pulls import HEAD, PERMISSIONS, PULL, STRICT, asked

HELD = ("approvals: 1", "codeOwners: true", "upToDate: branch", "checks: all")


@pytest.mark.parametrize("verb", Verb)
def test_whatever_takes_a_permission_names_it(verb: Verb) -> None:
    found = grounds(asked(verb, "admin"), PULL, PERMISSIONS, STRICT)
    assert bool(found) == (verb is not Verb.HELP)
    assert all("(eve is admin)" in one or one in (*HELD, "selfApproval: false") for one in found)


@pytest.mark.parametrize("verb", [Verb.DEPLOY, Verb.DESTROY, Verb.ADOPT])
def test_what_acts_with_power_names_all_that_held(verb: Verb) -> None:
    assert grounds(asked(verb), PULL, PERMISSIONS, STRICT) == (f"{verb}: write (eve is write)", *HELD)


def test_an_approval_says_whether_anybody_may_approve_their_own() -> None:
    found = [
        grounds(asked(Verb.APPROVE, "maintain"), PULL, PERMISSIONS, Requirements(self_approval=one))
        for one in (True, False)
    ]
    assert [one[1] for one in found] == ["selfApproval: true", "selfApproval: false"]


def test_the_team_that_counts_is_named() -> None:
    rules = Permissions(deploy=("admin", "@acme/ops", "@acme/dev"), approve=(), admin=())
    actor = Actor("eve", "write", {"@acme/ops": True, "@acme/dev": False})
    (first, *_) = grounds(asked(Verb.DEPLOY, actor=actor), PULL, rules, STRICT)
    assert first == "deploy: admin, @acme/ops, @acme/dev (eve is write, @acme/ops)"


def test_force_and_a_fork_are_named_too() -> None:
    found = grounds(
        asked(Verb.DESTROY, "admin", force=True), replace(PULL, fork=True, vetted=HEAD), PERMISSIONS, STRICT
    )
    assert found[1] == "use --force: admin (eve is admin)"
    assert found[-1] == f"fork, vetted at {HEAD}"
