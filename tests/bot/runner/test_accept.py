"""Which plans go on without asking, held against the rules written out for one path at a time."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.runner.accept import compared, is_attribute, may_apply, unseen_paths
from bot.runner.plan import Change, Counts, Leaf, Plan
from bot.runner.spec import Accept, Unseen
from tests.depth import examples

ADDRESSES = ("t.a", "t.b", 'm.x["a b"].t.c')
ACTIONS = [("create",), ("update",), ("delete",), ("delete", "create"), ("create", "delete"), ("forget",), ("new",)]
KINDS = {"create": "add", "update": "change", "delete": "destroy", "forget": "destroy"}
Actions = dict[str, tuple[str, ...]]


def plan_of(actions: Actions, values: dict[str, str]) -> Plan:
    """A plan with these actions; `values` are attributes by address."""
    leaves = [Leaf(f"action of {address}", "/".join(what), address) for address, what in actions.items()]
    leaves += [Leaf(f"{address}.size", values.get(address, "0"), address) for address in actions]
    kinds = ["replace" if len(what) > 1 else KINDS.get(what[0], "other") for what in actions.values()]
    counts = Counts(*(kinds.count(kind) for kind in ("add", "change", "destroy", "replace")))
    changes = tuple(Change(address, what) for address, what in actions.items())
    return Plan(False, "", tuple(sorted(leaves, key=lambda one: one.path)), changes, counts, actions)


actions_of = st.dictionaries(st.sampled_from(ADDRESSES), st.sampled_from(ACTIONS), max_size=3)
values_of = st.dictionaries(st.sampled_from(ADDRESSES), st.sampled_from("01"), max_size=3)
plans = st.builds(plan_of, actions_of, values_of)


@st.composite
def plan_and_shown(draw: st.DrawFn) -> tuple[Plan, Plan | None]:
    """A plan, and one shown before: none, one of the same actions, or any other."""
    actions = draw(actions_of)
    plan = plan_of(actions, draw(values_of))
    kin = st.builds(plan_of, st.just(actions), values_of)
    return plan, draw(st.one_of(kin, kin, plans, st.none()))


paths = st.lists(st.sampled_from([f"{address}.size" for address in ADDRESSES] + ["action of t.a"]), max_size=3)
globs = st.lists(st.sampled_from(["t.a.size", "t.*", "*", "m.*.size", "t.a", "t.?.size"]), max_size=2)


def covers(glob: str, address: str) -> bool:
    """What each of the globs above says of the attribute `size`, written out."""
    own = {"t.a.size": {"t.a"}, "t.a": {"t.a"}, "t.*": {"t.a", "t.b"}, "t.?.size": {"t.a", "t.b"}}
    return address in own.get(glob, {"*": set(ADDRESSES), "m.*.size": {ADDRESSES[2]}}.get(glob, set()))


def expected(plan: Plan, shown: Plan | None, accept: Accept, ignored: list[str]) -> bool:
    """The oracle: resource by resource."""
    different: set[str] = set()
    for address in {*plan.actions, *(shown.actions if shown else ())}:
        before, now = (shown.actions.get(address) if shown else None), plan.actions.get(address)
        path = f"{address}.size"
        excused = path in accept.paths or any(covers(glob, address) for glob in ignored)
        value_before, value_now = (shown.leaf_map.get(path) if shown else None), plan.leaf_map.get(path)
        if before != now or (value_before != value_now and not excused):
            different.add(address)
    if accept.all or (shown is not None and not different):
        return True
    if accept.unseen is Unseen.CREATES:
        return all(what == ("create",) for what in plan.actions.values())
    if accept.unseen is Unseen.CREATES_UPDATES:
        return all(plan.actions[one] in [("create",), ("update",)] for one in different if one in plan.actions)
    return False


@settings(max_examples=examples(500), deadline=None)
@given(plan_and_shown(), st.sampled_from(Unseen), st.booleans(), paths, globs)
@example(
    (plan_of({"t.a": ("delete",)}, {}), plan_of({"t.a": ("update",)}, {})), Unseen.NONE, False, ["action of t.a"], ["*"]
)
def test_the_decision_is_that_of_the_rules(
    both: tuple[Plan, Plan | None], unseen: Unseen, every: bool, allowed: list[str], ignored: list[str]
) -> None:
    plan, shown = both
    accept = Accept(every and unseen is Unseen.NONE, shown.leaf_map if shown else None, tuple(allowed), unseen)
    assert may_apply(plan, accept, ignored) is expected(plan, shown, accept, ignored)


@settings(max_examples=examples(200), deadline=None)
@given(plans, plans)
def test_plans_are_equal_if_their_digests_are(one: Plan, other: Plan) -> None:
    assert (one.digest == other.digest) is (unseen_paths(one, other.leaf_map) == ())


def test_an_action_is_never_excused() -> None:
    assert compared(["action of t.a", "t.a.size"], ["action of t.a"], ["*"]) == ("action of t.a",)


def test_a_plan_without_counts_needs_to_be_the_one_shown() -> None:
    plan = Plan(False, "text", (Leaf("exit", "1"), Leaf("stdout", "2")))
    assert not may_apply(plan, Accept(unseen=Unseen.CREATES), ())
    assert not may_apply(plan, Accept(unseen=Unseen.CREATES_UPDATES), ())
    assert not may_apply(plan, Accept(shown={"exit": "1", "stdout": "3"}, paths=("stdout",)), ("*",))
    assert may_apply(plan, Accept(shown=plan.leaf_map), ())


@pytest.mark.parametrize(
    ("path", "attribute"),
    [
        ("aws_instance.web.ami", True),
        ('module.a["x y"].b.c.tags["d e"]', True),
        ("output.url", True),
        ("action of aws_instance.web", False),
        ("replacement of a.b", False),
        ("stdout", False),
    ],
)
def test_paths_of_attributes_are_told_from_those_of_actions(path: str, attribute: bool) -> None:
    assert is_attribute(path) is attribute
