"""Power comes from the default branch: what a pull request writes of runners, environments and secrets changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.decide.facts import Missing, Why
from bot.decide.trust import (
    Placement,
    Trusted,
    asking,
    careful,
    changed_power,
    placement,
    trusted_in,
    without_new_power,
)
from planner.definition import Caution, Definitions, Environment, Permissions, Requirements, Variable, Workflow
from planner.problems import Place
from planner.variables import effective_variables

HERE = Place("headwater.yml", 1, 1)


def variable(name: str, secret: str | None = None, *, plan: bool = False) -> Variable:
    return Variable(name, HERE, sensitive=True, from_secret=secret, plan=plan)


DB = Environment(
    "db",
    "db",
    HERE,
    runs_on=("big",),
    github_environment="production",
    variables=(variable("PASSWORD", "DB_PASSWORD"),),
)
SHOP = Workflow("headwater.yml", "shop", (DB,), variables=(variable("TOKEN", "SHOP_TOKEN", plan=True),))


def test_a_known_environment_runs_where_the_default_branch_says() -> None:
    known = trusted_in([SHOP], "headwater.yml", "DB")
    assert placement(known, mutates=True) == Placement(("big",), "production")
    assert placement(known, mutates=False) == Placement(("big",), "headwater-plan")


@pytest.mark.parametrize("workflows", [[], [SHOP]])
def test_a_new_environment_runs_with_the_defaults(workflows: list[Workflow]) -> None:
    new = trusted_in(workflows, "headwater.yml", "cache")
    assert placement(new, mutates=True) == Placement(("ubuntu-latest",), "headwater-deploy")


def test_a_renamed_file_is_found_by_its_environment_unless_several_have_it() -> None:
    assert trusted_in([SHOP], "shop/headwater.yml", "db") == Trusted(SHOP, DB)
    other = replace(SHOP, file="other/headwater.yml")
    assert trusted_in([SHOP, other], "shop/headwater.yml", "db") == Trusted(None, None)


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        (variable("PASSWORD", "DB_PASSWORD"), ()),
        (variable("PASSWORD", "OTHER"), (Missing("PASSWORD", "OTHER", Why.UNTRUSTED),)),
        (variable("LEAK", "DB_PASSWORD"), (Missing("LEAK", "DB_PASSWORD", Why.UNTRUSTED),)),
        (variable("TOKEN", "SHOP_TOKEN"), ()),
    ],
)
def test_a_secret_goes_only_where_the_default_branch_sends_it(asked: Variable, missing: tuple[Missing, ...]) -> None:
    changed = replace(DB, variables=(asked,))
    effective = effective_variables(replace(SHOP, variables=()), changed)
    kept, found = without_new_power(effective, Trusted(SHOP, DB))
    assert found == missing
    assert [one.variable.name for one in kept] == ([] if missing else [asked.name])


def test_a_pull_request_cannot_bring_a_secret_to_its_own_plan() -> None:
    effective = effective_variables(SHOP, replace(DB, variables=(variable("PASSWORD", "DB_PASSWORD", plan=True),)))
    kept, missing = without_new_power(effective, Trusted(SHOP, DB))
    assert {one.variable.name: one.variable.plan for one in kept} == {"PASSWORD": False, "TOKEN": True}
    assert missing == ()


def test_what_holds_after_the_merge_is_told_line_by_line() -> None:
    before = Definitions((SHOP,), Permissions(), Requirements(), ())
    moved = replace(DB, runs_on=("huge",), github_environment=None, variables=(variable("PASSWORD", "OTHER"),))
    after = Definitions(
        (replace(SHOP, environments=(moved,)),),
        Permissions(deploy=("read",)),
        Requirements(approvals=2, self_approval=True),
        ("https://github.com/acme/modules",),
    )
    assert changed_power(before, after) == (
        "permissions.deploy: write → read",
        "requirements.approvals: 0 → 2",
        "requirements.selfApproval: false → true",
        "repositories: none → https://github.com/acme/modules",
        "db: runsOn big → huge",
        "db: githubEnvironment production → headwater-deploy",
        "db: the secret OTHER for PASSWORD",
    )
    assert changed_power(before, before) == ()


def test_a_secret_that_is_taken_away_is_told() -> None:
    before = Definitions((SHOP,), Permissions(), Requirements(), ())
    plain = replace(DB, variables=(Variable("PASSWORD", HERE, value="x"),))
    after = replace(before, workflows=(replace(SHOP, environments=(plain,), variables=()),))
    assert changed_power(before, after) == (
        "db: no longer the secret DB_PASSWORD for PASSWORD",
        "db: no longer the secret SHOP_TOKEN for TOKEN",
    )
    renamed = replace(DB, alias="cache", variables=())
    assert changed_power(before, replace(before, workflows=(replace(SHOP, environments=(renamed,)),)))[:1] == (
        "cache: runsOn ubuntu-latest → big",
    )


@pytest.mark.parametrize("known", [None, DB, replace(DB, requires_approval=True)])
@pytest.mark.parametrize("here", [DB, replace(DB, requires_approval=True)])
def test_an_approval_is_asked_for_where_either_asks(known: Environment | None, here: Environment) -> None:
    either = here.requires_approval or (known is not None and known.requires_approval)
    assert asking(here, Trusted(SHOP, known)) == replace(here, requires_approval=either)


@pytest.mark.parametrize("name", ["first_deploy", "downstream", "unseen_plans"])
def test_a_caution_holds_until_its_end_is_merged(name: str) -> None:
    strict = replace(SHOP, **{name: Caution.APPROVE})
    loose = replace(SHOP, **{name: Caution.APPLY})
    for before, here, held in ((strict, loose, strict), (loose, strict, strict), (loose, loose, loose)):
        assert careful(here, Trusted(before, DB)) == held
    assert careful(loose, Trusted(None, None)) == loose


def test_what_asks_for_less_is_told() -> None:
    strict = replace(SHOP, environments=(replace(DB, requires_approval=True),), downstream=Caution.APPROVE)
    before, after = Definitions(workflows=(strict,)), Definitions(workflows=(replace(SHOP, downstream=Caution.APPLY),))
    assert changed_power(before, after) == (
        "shop: downstream: approve → apply",
        "db: requiresApproval true → false",
    )
    assert changed_power(after, before) == ()
