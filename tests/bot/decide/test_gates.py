"""What a command lacks: for every code what leads to it and what does not, on a pull request else in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.decide.gates import (
    Actor,
    Approval,
    CheckFact,
    CheckState,
    Code,
    PullState,
    Refusal,
    Verb,
    WorkflowFile,
    gates,
    welcome,
)
from planner.definition import Requirements
from tests.bot.decide.pulls import HEAD, OLD, PERMISSIONS, PULL, STRICT, asked, codes

WITH_POWER = [Verb.DEPLOY, Verb.DESTROY, Verb.ADOPT]
JOBS = [*WITH_POWER, Verb.PLAN, Verb.RESTORE, Verb.RETRY, Verb.APPROVE]
LOOSE = Requirements(up_to_date="none", checks="none")


def check(state: CheckState, *, ours: bool = False, required: bool = True, name: str = "build") -> CheckFact:
    return CheckFact(name, ours, required, state)


@pytest.mark.parametrize("verb", Verb)
def test_everything_in_order_goes(verb: Verb) -> None:
    assert codes(asked(verb, "admin")) == []


FACTS: list[tuple[Code, dict[str, Any]]] = [
    (Code.DRAFT, {"draft": True}),
    (Code.BASE_BRANCH, {"base": "feature"}),
    (Code.BASE_BRANCH, {"base": "main", "bases": (("shop", ("release", "next")),)}),
    (Code.BASE_BRANCH, {"base": "main", "bases": (("shop", ("main",)), ("live", ("release",)))}),
    (Code.FORK_COMMIT, {"fork": True}),
    (Code.FORK_COMMIT, {"fork": True, "vetted": OLD}),
    (Code.CONFLICTS, {"mergeable": False}),
    (Code.CONFLICTS, {"mergeable": True, "conflicts": ("main.tf",)}),
    (Code.CONFLICTS, {"mergeable": None, "conflicts": ("main.tf",)}),
    (Code.MERGEABLE_UNKNOWN, {"mergeable": None}),
    (Code.BEHIND, {"behind": True}),
    (Code.BEHIND_UNKNOWN, {"behind": None}),
    (Code.APPROVALS, {"approvals": ()}),
    (Code.APPROVALS, {"approvals": (Approval("bob", OLD, "admin"),)}),
    (Code.APPROVALS, {"approvals": (Approval("bob", HEAD, "triage"),)}),
    (Code.APPROVALS, {"approvals": (Approval("ada", HEAD, "admin"),)}),
    (Code.APPROVALS, {"approvals": (Approval("ADA", HEAD, "admin"),), "last_pusher": "carl"}),
    (Code.APPROVALS, {"last_pusher": "Bob"}),
    (Code.APPROVALS_UNKNOWN, {"approvals": None}),
    (Code.APPROVALS_UNKNOWN, {"approvals": (Approval("bob", HEAD, None),)}),
    (Code.APPROVALS_UNKNOWN, {"last_pusher": None}),
    (Code.APPROVALS_UNKNOWN, {"last_pusher": ""}),
    (Code.CHANGES_REQUESTED, {"changes_requested": ("carl",)}),
    (Code.CODE_OWNERS, {"code_owner_approval": False}),
    (Code.CODE_OWNERS_UNKNOWN, {"code_owner_approval": None}),
    (Code.CHECKS_FAILED, {"checks": (check(CheckState.FAILURE),)}),
    (Code.CHECKS_FAILED, {"checks": (check(CheckState.FAILURE, required=False),)}),
    (Code.CHECKS_PENDING, {"checks": (check(CheckState.PENDING),)}),
    (Code.CHECKS_MISSING, {"checks": (check(CheckState.MISSING),)}),
    (Code.CHECKS_UNKNOWN, {"checks": None}),
]
FACTS_OF_JOBS: list[tuple[Code, dict[str, Any]]] = [
    (Code.APP_PERMISSION, {"app_lacks": ("checks: write",)}),
    (Code.WORKFLOW_FILE_MISSING, {"workflow_file": WorkflowFile.MISSING}),
    (Code.WORKFLOW_FILE_MISSING, {"workflow_file": WorkflowFile.BROUGHT}),
    (Code.WORKFLOW_FILE_UNKNOWN, {"workflow_file": None}),
]
ASKED: list[tuple[Code, Verb, dict[str, Any]]] = [
    (Code.NOTHING_SHOWN, Verb.DEPLOY, {"seen": None}),
    (Code.PUSHED_SINCE, Verb.DEPLOY, {"seen": OLD}),
    (Code.PUSHED_SINCE, Verb.DESTROY, {"seen": OLD}),
    (Code.PUSHED_SINCE, Verb.ADOPT, {"seen": OLD}),
    (Code.OTHER_COMMIT, Verb.DEPLOY, {"named": OLD}),
    (Code.OTHER_COMMIT, Verb.PLAN, {"named": OLD[:7]}),
    (Code.OTHER_COMMIT, Verb.PLAN, {"named": HEAD[:6]}),
    (Code.OTHER_COMMIT, Verb.PLAN, {"named": ""}),
    (Code.CALLED_OFF, Verb.PLAN, {"cancelled": True}),
    (Code.CALLED_OFF, Verb.DEPLOY, {"cancelled": True}),
    (Code.CALLED_OFF, Verb.RETRY, {"cancelled": True}),
    (Code.COMMANDER_UNKNOWN, Verb.APPROVE, {"commanders": None}),
    (Code.OWN_COMMAND, Verb.APPROVE, {"commanders": ("carl", "EVE")}),
    (Code.OWN_PULL, Verb.APPROVE, {"actor": Actor("Ada", "admin"), "commanders": ()}),
    (Code.PLAN_UNSEEN, Verb.APPROVE, {"unshown": ("db",)}),
    (Code.PLAN_UNSEEN_UNKNOWN, Verb.APPROVE, {"unshown": None}),
]


@pytest.mark.parametrize("verb", WITH_POWER)
@pytest.mark.parametrize(("code", "changes"), FACTS)
def test_what_a_deploy_takes(code: Code, changes: dict[str, Any], verb: Verb) -> None:
    assert codes(asked(verb), changes) == [code]


@pytest.mark.parametrize(("code", "changes"), FACTS)
def test_all_else_takes_nothing_of_that(code: Code, changes: dict[str, Any]) -> None:
    for verb in set(Verb) - set(WITH_POWER):
        expected = [Code.FORK_COMMIT] if code is Code.FORK_COMMIT and verb is Verb.PLAN else []
        assert codes(asked(verb, "admin"), changes) == expected, verb


@pytest.mark.parametrize(("code", "changes"), FACTS_OF_JOBS)
def test_what_every_job_takes(code: Code, changes: dict[str, Any]) -> None:
    for verb in Verb:
        assert codes(asked(verb, "admin"), changes) == ([code] if verb in JOBS else []), verb


@pytest.mark.parametrize(("code", "verb", "values"), ASKED)
def test_what_a_command_itself_takes(code: Code, verb: Verb, values: dict[str, Any]) -> None:
    assert codes(asked(verb, "admin", **values)) == [code]


@pytest.mark.parametrize(
    ("requirements", "changes", "expected"),
    [
        (Requirements(), {"approvals": (), "last_pusher": None, "code_owner_approval": None, "behind": True}, []),
        (Requirements(), {"stale": ("db", "api")}, [Code.STALE]),
        (Requirements(), {"stale": None}, [Code.STALE_UNKNOWN]),
        (Requirements(), {"stale": None, "rules_known": False}, [Code.RULES_UNKNOWN]),  # which is why
        (Requirements(), {"changes_requested": ("carl",)}, []),
        (Requirements(code_owners=True), {"changes_requested": ("carl",)}, [Code.CHANGES_REQUESTED]),
        (STRICT, {"stale": ("db",)}, []),  # it has all of the base branch, which says more
        (Requirements(), {"checks": (check(CheckState.FAILURE, required=False),)}, []),
        (Requirements(), {"checks": (check(CheckState.NEUTRAL), check(CheckState.SKIPPED))}, []),
        (Requirements(), {"checks": ()}, []),
        (LOOSE, {"stale": None, "behind": None, "checks": None, "approvals": None}, []),
        (LOOSE, {"mergeable": False}, [Code.CONFLICTS]),
        (LOOSE, {"draft": True, "base": "x"}, [Code.DRAFT, Code.BASE_BRANCH]),
        (Requirements(approvals=2), {}, [Code.APPROVALS]),
        (Requirements(approvals=2), {"approvals": (Approval("bob", HEAD, "write"),) * 2}, [Code.APPROVALS]),
        (
            Requirements(approvals=1),  # one of them pushed last, perhaps; the other counts
            {"last_pusher": None, "approvals": tuple(Approval(one, HEAD, "write") for one in ("bob", "carl"))},
            [],
        ),
    ],
)
def test_the_settings(requirements: Requirements, changes: dict[str, Any], expected: list[Code]) -> None:
    assert codes(asked(Verb.DEPLOY), changes, requirements) == expected


@pytest.mark.parametrize(
    ("fork", "vetted", "named", "expected"),
    [
        (True, None, HEAD, []),
        (True, None, HEAD.upper(), []),
        (True, HEAD, None, []),
        (True, HEAD, HEAD[:7], []),
        (True, None, HEAD[:12], [Code.FORK_COMMIT]),  # another commit may be made to begin so
        (True, None, OLD, [Code.OTHER_COMMIT]),
        (True, HEAD, OLD, [Code.OTHER_COMMIT]),
        (True, OLD, OLD, [Code.OTHER_COMMIT]),
        (True, None, HEAD + "0", [Code.OTHER_COMMIT]),
        (False, None, HEAD[:7], []),
        (False, None, HEAD, []),
    ],
)
def test_commits_that_are_named(fork: bool, vetted: str | None, named: str | None, expected: list[Code]) -> None:
    for verb in (Verb.PLAN, *WITH_POWER):
        assert codes(asked(verb, named=named), {"fork": fork, "vetted": vetted}) == expected


def test_a_push_that_its_author_could_not_see_refuses_a_deploy() -> None:
    (refusal,) = gates(asked(Verb.DEPLOY, seen=OLD), PULL, PERMISSIONS, STRICT)
    assert refusal == Refusal(
        Code.PUSHED_SINCE,
        "the head is abcdef0 now, but 0123456 was shown when the command was written",
        "read the plan of abcdef0, then write /deploy again",
    )


@pytest.mark.parametrize("state", CheckState)
def test_our_own_checks_hold_nothing_back(state: CheckState) -> None:
    """Else a required check of ours would wait for the deploy, and the deploy for the check."""
    ours = (check(state, ours=True, name="headwater deploy: shop"), check(CheckState.SUCCESS))
    assert codes(asked(Verb.DEPLOY), {"checks": ours}) == []


def test_all_that_is_not_met_is_told_at_once_and_in_order() -> None:
    bad = replace(
        PULL,
        draft=True,
        base="feature",
        fork=True,
        mergeable=False,
        behind=True,
        approvals=(),
        changes_requested=("carl",),
        code_owner_approval=False,
        checks=(
            check(CheckState.PENDING, name="lint"),
            check(CheckState.FAILURE, name="unit"),
            check(CheckState.FAILURE),
            check(CheckState.MISSING, name="docs"),
        ),
        app_lacks=("checks: write",),
        workflow_file=WorkflowFile.MISSING,
    )
    found = gates(asked(Verb.DEPLOY, "read", seen=OLD), bad, PERMISSIONS, STRICT)
    assert [(one.code, one.names) for one in found] == [
        (Code.NOT_ALLOWED, ("write",)),
        (Code.DRAFT, ()),
        (Code.BASE_BRANCH, ("main",)),
        (Code.FORK_COMMIT, ()),
        (Code.PUSHED_SINCE, ()),
        (Code.CONFLICTS, ()),
        (Code.BEHIND, ()),
        (Code.CHANGES_REQUESTED, ("carl",)),
        (Code.APPROVALS, ()),
        (Code.CODE_OWNERS, ()),
        (Code.CHECKS_FAILED, ("build", "unit")),
        (Code.CHECKS_PENDING, ("lint",)),
        (Code.CHECKS_MISSING, ("docs",)),
        (Code.APP_PERMISSION, ("checks: write",)),
        (Code.WORKFLOW_FILE_MISSING, ()),
    ]
    assert found[6].line == "the base branch has commits that it lacks"
    assert found[10].line == "checks have failed: 'build', 'unit'"


# ---- where commands belong

EVERYWHERE = {Verb.STATUS, Verb.EXPLAIN, Verb.HELP, Verb.RETRY, Verb.APPROVE, Verb.REJECT, Verb.CANCEL, Verb.UNLOCK}


def test_which_commands_belong_where() -> None:
    assert welcome(PullState.OPEN) == set(Verb)
    assert welcome(PullState.CLOSED) == EVERYWHERE | {Verb.RESTORE}
    assert welcome(PullState.MERGED) == EVERYWHERE


@pytest.mark.parametrize(
    ("state", "code"), [(PullState.CLOSED, Code.PULL_CLOSED), (PullState.MERGED, Code.PULL_MERGED)]
)
@pytest.mark.parametrize("verb", Verb)
def test_a_command_where_it_does_not_belong_is_told_only_that(verb: Verb, state: PullState, code: Code) -> None:
    over = {"state": state, "mergeable": None, "checks": None, "draft": True}
    expected = [] if verb in welcome(state) else [code]
    assert codes(asked(verb, "admin"), over) == expected
    if expected:
        (refusal,) = gates(asked(verb, "admin"), replace(PULL, **over), PERMISSIONS, STRICT)
        assert f"/{verb.value} " in refusal.message
        assert all(f"/{one.value}" in refusal.mend for one in welcome(state))


def test_an_outsider_is_told_that_too() -> None:
    assert codes(asked(Verb.DEPLOY, "none"), {"state": PullState.MERGED}) == [Code.NOT_ALLOWED, Code.PULL_MERGED]


# ---- approving


@pytest.mark.parametrize(
    ("login", "commanders", "self_approval", "expected"),
    [
        ("eve", ("ada",), False, []),
        ("eve", (), False, []),  # a merge that nobody commanded
        ("eve", ("eve",), False, [Code.OWN_COMMAND]),
        ("ada", ("ada",), False, [Code.OWN_COMMAND, Code.OWN_PULL]),
        ("ada", None, False, [Code.COMMANDER_UNKNOWN, Code.OWN_PULL]),
        ("ada", ("ada",), True, []),
        ("eve", None, True, []),
    ],
)
def test_who_approves_is_somebody_else(
    login: str, commanders: tuple[str, ...] | None, self_approval: bool, expected: list[Code]
) -> None:
    rule = Requirements(self_approval=self_approval)
    ask = asked(Verb.APPROVE, actor=Actor(login, "admin"), commanders=commanders)
    assert codes(ask, None, rule) == expected
    assert codes(replace(ask, verb=Verb.REJECT), None, rule) == []  # to stop one's own is always safe


# ---- the set of codes


def test_every_code_is_reached() -> None:
    reached = {code for code, _ in (*FACTS, *FACTS_OF_JOBS)} | {code for code, _, _ in ASKED}
    reached |= {Code.STALE, Code.STALE_UNKNOWN, Code.PULL_CLOSED, Code.PULL_MERGED}  # above
    reached |= {Code.NOT_ALLOWED, Code.PERMISSION_UNKNOWN, Code.RULES_UNKNOWN}  # test_gates_who.py
    assert reached == set(Code)
