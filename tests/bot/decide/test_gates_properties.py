"""What holds for all gates, whatever the facts: unknown refuses, words stay plain, our own checks do not matter."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.decide.gates import (
    Actor,
    Approval,
    Asked,
    CheckFact,
    CheckState,
    Code,
    PullFacts,
    PullState,
    Verb,
    WorkflowFile,
    gates,
)
from planner.definition import Permissions, Requirements
from tests.bot.decide.pulls import HEAD, OLD, PULL, asked, codes
from tests.depth import examples

NAMES = st.sampled_from(
    ["db", "`x`", "**b**", "@acme/ops", "</details>", "<!-- -->", "[a](b)", "a\nb", "🚀 | x", "_e_"]
)
LOGINS = st.sampled_from(["ada", "bob", "carl", "eve", "x_y*"])
COMMITS = st.sampled_from([HEAD, OLD, "`main`", ""])
MAYBE = st.none() | st.booleans()


def some(strategy: st.SearchStrategy, most: int = 3) -> st.SearchStrategy:
    return st.lists(strategy, max_size=most).map(tuple)


ROLES = st.none() | st.sampled_from(["read", "write", "admin", "made-up"])
APPROVALS = some(st.builds(Approval, LOGINS, st.sampled_from([HEAD, OLD]), ROLES), 4)
CHECKS = some(st.builds(CheckFact, NAMES, st.booleans(), st.booleans(), st.sampled_from(CheckState)))
FACTS = st.builds(
    PullFacts,
    number=st.just(12),
    state=st.sampled_from([PullState.OPEN, PullState.OPEN, PullState.CLOSED, PullState.MERGED]),
    draft=st.booleans(),
    author=LOGINS,
    head=COMMITS,
    fork=st.booleans(),
    base=st.just("main") | NAMES,
    default_branch=st.just("main") | NAMES,
    private=st.booleans(),
    last_pusher=st.none() | LOGINS,
    vetted=st.none() | COMMITS,
    bases=st.lists(st.tuples(NAMES, some(NAMES)), max_size=3).map(tuple),
    mergeable=MAYBE,
    conflicts=some(NAMES),
    stale=st.none() | some(NAMES),
    behind=MAYBE,
    approvals=st.none() | APPROVALS,
    changes_requested=some(LOGINS),
    code_owner_approval=MAYBE,
    checks=st.none() | CHECKS,
    app_lacks=some(NAMES),
    workflow_file=st.none() | st.sampled_from(WorkflowFile),
)
ACTORS = st.builds(Actor, LOGINS, ROLES, st.dictionaries(st.just("@acme/ops"), MAYBE))
ASKS = st.builds(
    Asked,
    verb=st.sampled_from(Verb),
    actor=ACTORS,
    seen=st.none() | COMMITS,
    named=st.none() | COMMITS,
    force=st.booleans(),
    state=st.booleans(),
    values=st.booleans(),
    locked_elsewhere=MAYBE,
    commanders=st.none() | some(LOGINS),
    unshown=st.none() | some(NAMES),
)
WHO = some(st.sampled_from(["read", "write", "admin", "@acme/ops"]), 2)
RULES = st.builds(Permissions, WHO, WHO, WHO)
REQUIREMENTS = st.builds(
    Requirements,
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["environment", "branch", "none"]),
    st.sampled_from(["required", "all", "none"]),
)


@settings(max_examples=examples(500), deadline=None)
@given(ASKS, FACTS, RULES, REQUIREMENTS)
def test_words_are_plain_and_names_are_apart(
    ask: Asked, facts: PullFacts, permissions: Permissions, requirements: Requirements
) -> None:
    found = gates(ask, facts, permissions, requirements)
    assert found == gates(ask, facts, permissions, requirements)
    for one in found:
        for text in (one.message, one.mend):
            assert text == text.strip()
            assert not set(text) & set("`*_[]<>|~#&\\\n{}!\"'"), text
            assert len(text) < 250
        assert one.message
        assert one.mend
    alone = [one.code for one in found if one.code not in (Code.NOT_ALLOWED, Code.PERMISSION_UNKNOWN)]
    assert alone == sorted(alone, key=list(Code).index)
    assert len(alone) == len(set(alone))


UNKNOWN = {
    "mergeable": [True, False],
    "stale": [(), ("db",)],
    "behind": [True, False],
    "code_owner_approval": [True, False],
    "last_pusher": ["ada", "bob", "carl", "eve"],
    "approvals": [(), tuple(Approval(one, HEAD, "write") for one in ("bob", "carl", "eve"))],
    "checks": [(), (CheckFact("x", False, True, CheckState.FAILURE),)],
    "workflow_file": list(WorkflowFile),
}


@settings(max_examples=examples(500), deadline=None)
@given(st.sampled_from(Verb), REQUIREMENTS, st.sampled_from(sorted(UNKNOWN)), APPROVALS)
def test_what_goes_with_something_unknown_goes_however_that_turns_out(
    verb: Verb, requirements: Requirements, name: str, approvals: tuple[Approval, ...]
) -> None:
    pull = replace(PULL, stale=(), approvals=approvals) if name != "approvals" else PULL
    if codes(asked(verb, "admin"), vars_of(replace(pull, **{name: None})), requirements):
        return
    for value in UNKNOWN[name]:
        assert not codes(asked(verb, "admin"), vars_of(replace(pull, **{name: value})), requirements)


def vars_of(facts: PullFacts) -> dict[str, object]:
    return {name: getattr(facts, name) for name in PullFacts.__slots__}


@given(FACTS, CHECKS, REQUIREMENTS)
def test_our_own_checks_do_not_matter(
    facts: PullFacts, ours: tuple[CheckFact, ...], requirements: Requirements
) -> None:
    other = replace(facts, checks=tuple(one for one in facts.checks or () if not one.ours))
    mixed = replace(other, checks=(*other.checks, *(replace(one, ours=True) for one in ours)))
    ask = asked(Verb.DEPLOY)
    assert gates(ask, mixed, Permissions(), requirements) == gates(ask, other, Permissions(), requirements)


EVERYBODY = ["ada", "bob", "carl", "eve", "x_y*", "somebody else"]


def counted(approvals: tuple[Approval, ...], pusher: str, roles: dict[int, str]) -> int:
    """How many approvals count once everything is known."""
    people = set()
    for place, one in enumerate(approvals):
        role = roles.get(place, one.role)
        if one.commit == HEAD and role in ("write", "admin") and one.login not in ("ada", pusher):
            people.add(one.login)
    return len(people)


@settings(max_examples=examples(500), deadline=None)
@given(
    st.lists(st.builds(Approval, LOGINS, st.sampled_from([HEAD, OLD]), ROLES), max_size=4, unique_by=lambda one: one.login),
    st.none() | LOGINS,
    st.integers(1, 3),
)  # fmt: skip
def test_approvals_are_counted_as_in_every_world_that_may_be(
    found: list[Approval], pusher: str | None, needed: int
) -> None:
    approvals = tuple(found)
    unknown = [place for place, one in enumerate(approvals) if one.role in (None, "made-up")]
    worlds = [
        counted(approvals, who, dict(zip(unknown, roles, strict=True)))
        for who in ([pusher] if pusher else EVERYBODY)
        for roles in itertools.product(["read", "write"], repeat=len(unknown))
    ]
    expected: list[Code] = [Code.APPROVALS_UNKNOWN]
    if min(worlds) >= needed:
        expected = []
    elif max(worlds) < needed:
        expected = [Code.APPROVALS]
    changes = {"approvals": approvals, "last_pusher": pusher}
    assert codes(asked(Verb.DEPLOY), changes, Requirements(approvals=needed)) == expected
