"""What runs, in which order, after which failure: rendered files played as GitHub plays them, against brute force."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.ci.pipelines import render_github_actions
from planner.definition import Workflow
from planner.graph import Graph
from tests.depth import examples
from tests.planner.github_run import GitHub, workflow_of

PROPERTY = settings(
    max_examples=examples(30), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def github(tmp_path: Path) -> GitHub:
    return GitHub(tmp_path)


def rendered(*workflows: Workflow, graph: bool) -> str:
    return render_github_actions(workflows, graph=graph, base_branch="main", version="1.2.3")


@dataclass(frozen=True)
class Case:
    """A workflow, what of it is affected, and how each environment's job ends."""

    workflow: Workflow
    affected: frozenset[str]
    ends: Mapping[str, str]

    @property
    def failing(self) -> frozenset[str]:
        return frozenset(alias for alias, end in self.ends.items() if end != "success")


@st.composite
def cases(draw: st.DrawFn) -> Case:
    chance = random.Random(draw(st.integers(0, 2**32)))
    size = draw(st.integers(1, 14))
    aliases = [f"e{number}" for number in range(size)]
    needs = {
        alias: [one for one in aliases[:place] if chance.random() < draw(st.sampled_from([0.15, 0.4]))]
        for place, alias in enumerate(aliases)
    }
    switch = {alias: {"disabled": "${OFF}"} for alias in aliases if chance.random() < 0.4}
    workflow = workflow_of(needs, switch)
    changed = {alias for alias in aliases if chance.random() < draw(st.sampled_from([0.1, 0.5, 1.0]))}
    off = {alias for alias in switch if chance.random() < 0.5}
    affected = frozenset(changed | Graph.of(workflow).descendants(changed)) - off
    ends = {alias: chance.choices(["success", "failure", "cancelled"], [6, 1, 0.3])[0] for alias in aliases}
    return Case(workflow, affected, ends)


def upstream_of(needs: Mapping[str, Sequence[str]], alias: str) -> set[str]:
    """All ancestors, by plain recursion."""
    return {found for one in needs[alias] for found in {one} | upstream_of(needs, one)}


def allowed_by_graph(case: Case) -> set[str]:
    needs = {one.alias: one.needs for one in case.workflow.environments}
    failed = case.failing & case.affected
    starts: set[str] = set()
    for alias in case.affected:
        above = upstream_of(needs, alias)
        if not any(one in failed and not (upstream_of(needs, one) & failed) for one in above):
            starts.add(alias)
    return starts


def allowed_by_waves(case: Case) -> set[str]:
    wave = Graph.of(case.workflow).wave
    failed = min((wave[alias] for alias in case.failing & case.affected), default=99)
    return {alias for alias in case.affected if wave[alias] <= failed}


@pytest.mark.parametrize(
    ("graph", "allowed"), [(True, allowed_by_graph), (False, allowed_by_waves)], ids=["graph", "level"]
)
@PROPERTY
@given(case=cases())
def test_what_starts_is_what_brute_force_lets_start(
    github: GitHub, graph: bool, allowed: Callable[[Case], set[str]], case: Case
) -> None:
    run = github.run(rendered(case.workflow, graph=graph), [case.workflow], case.affected, case.ends.__getitem__)
    assert set(run.ran) == allowed(case)
    assert len(run.ran) == len(set(run.ran)), "nothing runs twice"
    needs = {one.alias: one.needs for one in case.workflow.environments}
    for place, alias in enumerate(run.ran):
        assert not upstream_of(needs, alias) & set(run.ran[place:]), "an upstream ran later"
    assert run.green is not bool(case.failing & case.affected)


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_a_pull_request_plans_all_that_is_affected_and_deploys_nothing(github: GitHub, graph: bool) -> None:
    shop = workflow_of({"vpc": [], "db": ["vpc"], "eks": ["vpc"], "app": ["db", "eks"]})
    run = github.run(rendered(shop, graph=graph), [shop], {"db", "app"}, event="pull_request")
    assert run.ran == ["db", "app"]
    assert {name for name, result in run.results.items() if result == "success"} == {"affected", "plan-0"}
    assert run.green


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_a_change_that_affects_nothing_is_green(github: GitHub, graph: bool) -> None:
    shop = workflow_of({"vpc": [], "db": ["vpc"]})
    for event in ("push", "pull_request"):
        run = github.run(rendered(shop, graph=graph), [shop], (), event=event)
        assert (run.ran, run.green) == ([], True)


def test_a_failure_blocks_the_grandchild_and_nothing_beside_it(github: GitHub) -> None:
    """Trap T2: the grandchild's own upstream is skipped, not failed."""
    shop = workflow_of({"vpc": [], "dns": [], "db": ["vpc"], "app": ["db", "dns"], "cdn": ["dns"]})
    ends = {"vpc": "failure"}
    run = github.run(rendered(shop, graph=True), [shop], {*Graph.of(shop).order}, lambda one: ends.get(one, "success"))
    assert sorted(run.ran) == ["cdn", "dns", "vpc"]
    assert not run.green


def test_a_failure_passes_through_what_a_variable_disabled(github: GitHub) -> None:
    shop = workflow_of({"vpc": [], "db": ["vpc"], "app": ["db"]}, {"db": {"disabled": "${NO_DB}"}})
    text = rendered(shop, graph=True)
    assert github.run(text, [shop], {"vpc", "app"}).ran == ["vpc", "app"]
    assert github.run(text, [shop], {"vpc", "app"}, lambda one: "failure").ran == ["vpc"]


def test_the_order_passes_through_what_is_disabled(github: GitHub) -> None:
    shop = workflow_of({"vpc": [], "db": ["vpc"], "app": ["db"]}, {"db": {"disabled": True}})
    text = rendered(shop, graph=True)
    assert "deploy-db" not in text
    assert github.run(text, [shop], {"vpc", "app"}, lambda one: "failure").ran == ["vpc"]


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_once_the_run_is_cancelled_nothing_more_starts(github: GitHub, graph: bool) -> None:
    shop = workflow_of({"vpc": [], "db": ["vpc"], "app": ["db"]})
    run = github.run(rendered(shop, graph=graph), [shop], {"vpc", "db", "app"}, cancelled_during="vpc")
    assert run.ran == ["vpc"]
    assert not run.green


def test_a_wide_wave_runs_whole_where_narrow_ones_before_it_are_empty(github: GitHub) -> None:
    aliases = [f"stack-{number}" for number in range(300)]
    wide = workflow_of({"vpc": [], **{alias: ["vpc"] for alias in aliases}})
    run = github.run(rendered(wide, graph=False), [wide], set(aliases))
    assert sorted(run.ran) == sorted(aliases)
    assert run.green


def test_an_unaffected_upstream_blocks_nobody(github: GitHub) -> None:
    shop = workflow_of({"vpc": [], "db": ["vpc"], "app": ["db"]})
    assert github.run(rendered(shop, graph=True), [shop], {"app"}).ran == ["app"]


def test_an_empty_wave_between_two_hides_no_failure(github: GitHub) -> None:
    """`app` needs `vpc` directly and `db`, which is not affected: the wave between them is empty."""
    shop = workflow_of({"vpc": [], "net": [], "db": ["net"], "app": ["vpc", "db"]})
    text = rendered(shop, graph=False)
    assert github.run(text, [shop], {"vpc", "app"}).ran == ["vpc", "app"]
    assert github.run(text, [shop], {"vpc", "app"}, lambda one: "failure").ran == ["vpc"]


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_a_failure_of_one_workflow_leaves_the_others_alone(github: GitHub, graph: bool) -> None:
    prod = workflow_of({"vpc": [], "prod-db": ["vpc"]}, name="prod")
    dev = workflow_of({"dev-vpc": [], "dev-db": ["dev-vpc"]}, name="dev")
    ends = {"vpc": "failure"}
    everything = {"vpc", "prod-db", "dev-vpc", "dev-db"}
    text = rendered(prod, dev, graph=graph)
    run = github.run(text, [prod, dev], everything, lambda one: ends.get(one, "success"))
    assert sorted(run.ran) == ["dev-db", "dev-vpc", "vpc"]


def test_two_workflows_may_use_the_same_alias(github: GitHub) -> None:
    prod, dev = (workflow_of({"vpc": [], "db": ["vpc"]}, name=name) for name in ("prod", "dev"))
    run = github.run(rendered(prod, dev, graph=True), [prod, dev], {"vpc", "db"})
    assert sorted(run.ran) == ["db", "db", "vpc", "vpc"]


def test_a_wave_of_600_takes_three_jobs_beside_each_other(github: GitHub) -> None:
    aliases = [f"stack-{number}" for number in range(600)]
    wide = workflow_of({**{alias: [] for alias in aliases}, "last": aliases})
    text = rendered(wide, graph=False)
    run = github.run(text, [wide], {*aliases, "last"})
    assert run.legs == {"wave-0-0": 256, "wave-0-1": 256, "wave-0-2": 88, "wave-1-0": 1}
    assert sorted(run.ran) == sorted([*aliases, "last"])
    assert run.green
    assert github.run(text, [wide], {"stack-7", "last"}).legs == {"wave-0-0": 1, "wave-1-0": 1}
    plans = github.run(text, [wide], {*aliases, "last"}, event="pull_request")
    assert plans.legs == {"plan-0": 256, "plan-1": 256, "plan-2": 89}


def test_a_failure_in_one_part_of_a_wide_wave_blocks_the_next_wave(github: GitHub) -> None:
    aliases = [f"stack-{number}" for number in range(300)]
    wide = workflow_of({**{alias: [] for alias in aliases}, "last": aliases})
    run = github.run(
        rendered(wide, graph=False),
        [wide],
        {*aliases, "last"},
        lambda one: "failure" if one == "stack-3" else "success",
    )
    assert "last" not in run.ran and len(run.ran) == 300


@pytest.mark.parametrize("lost", ["jobs", "deploy-db"])
def test_an_output_that_github_drops_never_looks_green(github: GitHub, lost: str) -> None:
    """GitHub drops a job's output that looks as if it held a secret."""
    shop = workflow_of({"vpc": [], "db": ["vpc"]})
    text = rendered(shop, graph=True)
    dropped = [line for line in text.splitlines() if not line.startswith(f"      {lost}: ")]
    assert len(dropped) == len(text.splitlines()) - 1
    assert not github.run("\n".join(dropped), [shop], {"vpc", "db"}).green
