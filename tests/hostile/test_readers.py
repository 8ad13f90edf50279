"""Whatever a reader is given, it gives an answer or one of its clear errors, and what it lets through can be kept.

Of comments see tests/bot/decide/test_comment_properties.py, of webhooks' payloads tests/bot/decide/test_webhook.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.decide.transitions import DEPLOYMENT_FINISHED
from bot.runner.attempt import _plan
from bot.runner.plan import Plan
from bot.runner.spec import Accept
from bot.runner.tools.terraform_plan import NotAPlan, read_plan
from bot.store.reports import NoReport, Report
from planner.format.texts import unprintable
from planner.reading import read
from tests.bot.store.conftest import one_repository, scene  # noqa: F401  (fixtures)
from tests.bot.store.simulation import PLAN, Scene
from tests.bot.store.test_moves import Play
from tests.bot.web.conftest import Site, webhook_headers
from tests.depth import examples

QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}
ODD_TEXTS = st.sampled_from(
    ["", "\0", "\ud800", "\u202e", "\x1b[31m", "'; DROP TABLE tasks; --", "{{ 7 * 7 }}", "x" * 5000]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | ODD_TEXTS | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | ODD_TEXTS, inner, max_size=3),
    max_leaves=8,
)
GONE = object()


def places(value: object, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in JSON values."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield (*above, name)
        yield from places(inner, (*above, name))


def changed(value: Any, place: tuple[Any, ...], new: object) -> Any:
    """The values with something else at a place, or nothing."""
    name, *rest = place
    copied = dict(value) if isinstance(value, dict) else list(value)
    if not rest and new is GONE:
        del copied[name]
    else:
        copied[name] = changed(value[name], tuple(rest), new) if rest else new
    return copied


@st.composite
def spoiled(draw: st.DrawFn, right: dict[str, Any]) -> Any:
    """Something right with up to three things in it that are gone, or something else."""
    found: Any = right
    for _ in range(draw(st.integers(1, 3))):
        everywhere = list(places(found))
        if everywhere:
            found = changed(found, draw(st.sampled_from(everywhere)), draw(JUNK | st.just(GONE)))
    return found


# ---- Terraform's plans

SHOWN = {
    "format_version": "1.2",
    "resource_changes": [
        {
            "address": "aws_instance.web[0]", "mode": "managed", "previous_address": "aws_instance.web", "deposed": "ab",
            "change": {
                "actions": ["delete", "create"], "before": {"ami": "a", "tags": {"Name": "n"}}, "after": {"ami": "b"},
                "after_unknown": {"id": True, "disks": [{"size": True}]}, "replace_paths": [["ami"]],
                "importing": {"id": "i-1"},
            },
        },
        {"address": "data.x.y", "mode": "data", "change": {"actions": ["read"], "before": None, "after": {}}},
    ],
    "output_changes": {"id": {"actions": ["update"], "before": 1, "after": [2], "after_unknown": False}},
}  # fmt: skip


@given(spoiled(SHOWN) | JUNK)
@settings(max_examples=examples(100), **QUIET)
@example([])
@example({"resource_changes": [{"address": {}, "change": {"actions": ["create"]}}]})
@example({"resource_changes": [{"address": "a", "change": {"actions": [[]]}}]})
def test_any_plan_of_terraform_is_read_or_told_to_be_none(found: object) -> None:
    try:
        plan = read_plan(found, "text", b"k" * 32, empty=False)
    except NotAPlan as error:
        assert str(error).startswith("gave ")
        return
    assert isinstance(plan, Plan)
    Report.of(report(plan=reported(plan)))  # what one side tells the other takes in
    assert plan == read_plan(found, "text", b"k" * 32, empty=False)


def test_a_plan_that_is_nested_without_end_is_none() -> None:
    value: object = 1
    for _ in range(5000):
        value = {"a": value}
    deep = {"address": "a.b", "change": {"actions": ["create"], "after": value}}
    with pytest.raises(NotAPlan, match="too deep"):
        read_plan({"resource_changes": [deep]}, "", b"k" * 32, empty=False)


def reported(plan: Plan) -> dict[str, Any]:
    """The plan as the runner reports it."""
    return _plan(plan.shown_with(str), SimpleNamespace(accept=Accept()))  # type: ignore[arg-type]


# ---- reports


def report(**more: object) -> dict[str, Any]:
    whole = {"result": "succeeded", "error": None, "applied": True, "plan_duration": 0.5, "duration": 1.5}
    outputs = {"id": {"value": ["a", {"b": 1}], "sensitive": False}, "key": {"value": None, "sensitive": True}}
    plan = {**PLAN, "changes": [{"address": "a.b", "actions": ["create"], "previous": "a.c"}], "unseen": ["a.b.c"]}
    return {"attempt": "x", **whole, "plan": plan, "outputs": outputs, **more}


@given(spoiled(report()) | JUNK)
@settings(max_examples=examples(100), **QUIET)
@example(report(duration=10**400))
def test_any_report_is_taken_in_or_told_to_be_none(found: object) -> None:
    try:
        taken = Report.of(found)
    except NoReport as error:
        assert str(error)
        return
    assert json.loads(json.dumps(taken.plan)) == taken.plan
    assert 0 <= taken.duration < float("inf")


def test_whatever_is_reported_the_deployment_ends(scene: Scene) -> None:  # noqa: F811
    """Through the real driver and store: what could be taken in is kept whole, all else is as no report."""
    play = Play(scene)

    @given(spoiled(report()) | JUNK)
    @settings(max_examples=examples(8), **QUIET)
    def ends(found: object) -> None:
        number = play.deploy({"a": (), "b": ("a",)})
        play.step(number)
        (runner,) = [one for one in play.peers.alive if one.deployment == number]
        play.peers.advance(runner)
        play.step(number)
        runner.report, runner.life = found, runner.life.ENDED  # type: ignore[assignment]
        play.peers.done.append((number, "a"))  # should it count as succeeded, `b` may start
        for _ in range(4):
            play.now += 6.0
            play.step(number)
        if play.task(number, "a").state.value == "needs approval":
            return
        play.go_on(number, rounds=6)
        assert play.view(number).state in DEPLOYMENT_FINISHED
        try:
            taken = Report.of(found)
        except NoReport:
            assert play.task(number, "a").code.value == "outcome-unknown"
        else:
            assert play.task(number, "a").code.value != "outcome-unknown"
            assert (play.task(number, "a").plan is not None) is (taken.plan is not None)

    ends()


# ---- webhooks


def test_any_bytes_are_stored_as_they_came_if_they_are_signed_and_not_at_all_if_they_are_not(site: Site) -> None:
    @given(st.binary(max_size=300) | JUNK.map(lambda one: json.dumps(one).encode()), st.booleans(), st.data())
    @settings(max_examples=examples(15), **QUIET)
    def arrive(body: bytes, signed: bool, data: st.DataObject) -> None:
        event = data.draw(
            st.sampled_from(["push", "issue_comment", "pull_request", "workflow_job", "installation", "odd"])
        )
        headers = webhook_headers(body, event)
        if not signed:
            place = data.draw(st.integers(0, 63))
            right = headers["X-Hub-Signature-256"]
            wrong = "1" if right[7 + place] == "0" else "0"
            headers["X-Hub-Signature-256"] = right[: 7 + place] + wrong + right[8 + place :]
        before = site.kept()
        assert site.deliver(body, headers).status == (202 if signed else 401)
        new = [(headers["X-GitHub-Delivery"], event, body)] if signed else []
        assert site.kept() == before + new

    arrive()


# ---- workflow files

SIGNS = (
    "environments:", "  a:", "  b:", "    vcs: ", "{type: terraform, path: a}", "{type: script, path: ../x}", "needs: [a]",
    "    needs: [a, b]", "\n", "\n", "\n", " ", "  ", "- ", ": ", "&x ", "*x", "<<: *x", "{", "}", "[", "]", ",", "|", ">-",
    "'", '"', "!!python/object:os.system ", "!x ", "---\n", "...", "%YAML 1.1\n", "#", "? ", "\t", "\ufeff", "é", "\u202e",
    "\0", "${a}", "${environments.a.outputs.id}", "variables:", "templates:", "name: w", "movedFrom: a", "0x1f", "~", "yes",
)  # fmt: skip


@given(st.lists(st.sampled_from(SIGNS), max_size=40).map("".join), st.booleans())
@settings(max_examples=examples(100), **QUIET)
@example("a: &x [*x]\n", True)
@example("environments: &x\n  a: *x\n", True)
@example("environments:\n  a: &x {<<: *x}\n", True)
def test_any_signs_of_yaml_are_read_to_definitions_and_problems_with_places(text: str, root: bool) -> None:
    file = "headwater.yml" if root else "deep/env0.workflow.yml"
    found = read({file: text.encode(errors="replace")}, lambda _path: "folder")
    for one in found.problems:
        assert one.place.file == file
        assert one.place.line >= 1
        assert unprintable(one.message) is None, "what a file says is shown quoted"
    for workflow in found.definitions.workflows:
        known = {one.alias for one in workflow.environments}
        assert all(need in known for one in workflow.environments for need in one.needs)
    assert found == read({file: text.encode(errors="replace")}, lambda _path: "folder")
