"""Who may: a table of roles, teams, and what is not known."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.decide.permissions import Actor, Answer, may, role_of, same_login, teams_in
from planner.definition import Permissions

ALLOW, DENY, UNKNOWN = Answer.ALLOW, Answer.DENY, Answer.DENY_UNKNOWN
LADDER = ["none", "read", "triage", "write", "maintain", "admin"]
NAMES = LADDER[1:]


def test_a_role_includes_the_lower_ones_and_nothing_more() -> None:
    for (place, role), needed in itertools.product(enumerate(LADDER), NAMES):
        expected = ALLOW if needed in LADDER[: place + 1] else DENY
        assert may(Actor("ada", role), [needed]) is expected, (role, needed)


@pytest.mark.parametrize(
    ("role", "teams", "rule", "expected"),
    [
        # nobody
        ("admin", {}, [], DENY),
        (None, {}, [], DENY),
        ("admin", {}, ["none"], DENY),
        ("admin", {}, ["wirte"], DENY),
        # a role that is not known, or that an organization made up
        (None, {}, ["read"], UNKNOWN),
        ("", {}, ["read"], UNKNOWN),
        ("security-lead", {}, ["read"], UNKNOWN),
        ("Admin", {}, ["read"], UNKNOWN),
        # any of a rule is enough
        ("write", {}, ["admin", "write"], ALLOW),
        ("write", {"@acme/ops": None}, ["@acme/ops", "write"], ALLOW),
        (None, {"@acme/ops": True}, ["admin", "@acme/ops"], ALLOW),
        # teams
        ("admin", {"@acme/ops": False}, ["@acme/ops"], DENY),
        ("read", {"@acme/ops": True}, ["@acme/ops"], ALLOW),
        ("admin", {"@acme/ops": None}, ["@acme/ops"], UNKNOWN),
        ("admin", {}, ["@acme/ops"], UNKNOWN),
        ("read", {"@acme/ops": True}, ["@acme/dev"], UNKNOWN),
        ("read", {"@Acme/Ops": True}, ["@acme/ops"], ALLOW),
        ("read", {"@acme/ops": True, "@Acme/ops": True}, ["@acme/OPS"], ALLOW),
        ("read", {"@acme/ops": True, "@Acme/ops": False}, ["@acme/ops"], UNKNOWN),
        # what is not known does not hide behind what is refused
        ("read", {"@acme/ops": None}, ["write", "@acme/ops"], UNKNOWN),
        (None, {"@acme/ops": False}, ["write", "@acme/ops"], UNKNOWN),
        ("read", {"@acme/ops": False}, ["write", "@acme/ops"], DENY),
    ],
)
def test_who_may(role: str | None, teams: dict[str, bool | None], rule: list[str], expected: Answer) -> None:
    assert may(Actor("ada", role, teams), rule) is expected


@pytest.mark.parametrize(
    ("permission", "role_name", "expected"),
    [
        ("write", "maintain", "maintain"),
        ("read", "triage", "triage"),
        ("write", "security-lead", "write"),
        ("admin", None, "admin"),
        ("none", "", "none"),
        (None, "push", "write"),
        ("pull", None, "read"),
        (None, None, None),
        ("owner", "boss", None),
    ],
)
def test_the_role_that_github_tells(permission: str | None, role_name: str | None, expected: str | None) -> None:
    assert role_of(permission, role_name) == expected


def test_the_teams_to_ask_about() -> None:
    permissions = Permissions(deploy=("write", "@acme/ops"), approve=("@acme/leads", "@acme/ops"), admin=("admin",))
    assert teams_in(permissions) == {"@acme/ops", "@acme/leads"}
    assert teams_in(Permissions()) == frozenset()


def test_logins_are_the_same_without_regard_to_case() -> None:
    assert same_login("Ada", "aDA")
    assert not same_login("ada", "adam")
    assert Actor("Ada").is_("ada")


TEAMS = ["@acme/ops", "@acme/dev"]
ROLES = st.none() | st.sampled_from([*LADDER, "custom"])
RULES = st.lists(st.sampled_from([*NAMES, *TEAMS, "nonsense"]), max_size=4)
ACTORS = st.builds(
    Actor, st.just("ada"), ROLES, st.dictionaries(st.sampled_from(TEAMS), st.none() | st.booleans(), max_size=2)
)


@given(ACTORS, RULES)
def test_what_is_not_known_never_lets_anybody(actor: Actor, rule: list[str]) -> None:
    """Whoever may with something unknown may however that turns out."""
    if may(actor, rule) is not ALLOW:
        return
    roles = [actor.role] if role_of(actor.role, None) else LADDER
    teams = [[actor.teams.get(team)] if actor.teams.get(team) is not None else [True, False] for team in TEAMS]
    for role, *known in itertools.product(roles, *teams):
        assert may(Actor("ada", role, dict(zip(TEAMS, known, strict=True))), rule) is ALLOW


@given(ACTORS, RULES, RULES)
def test_a_longer_rule_takes_nothing_away(actor: Actor, rule: list[str], more: list[str]) -> None:
    if may(actor, rule) is ALLOW:
        assert may(actor, [*more, *rule]) is ALLOW
