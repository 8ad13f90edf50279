"""Which permission each command takes, with each of its options."""

from __future__ import annotations

from typing import Any

import pytest

from bot.decide.gates import Actor, Code, Verb, gates
from planner.definition import Permissions
from tests.bot.decide.pulls import HEAD, PERMISSIONS, PULL, STRICT, asked, codes

ROLES = ["none", "read", "triage", "write", "maintain", "admin"]
FORK = {"fork": True, "vetted": HEAD}

# deploy takes write here, approve maintain, admin admin
LEAST: list[tuple[Verb, dict[str, Any], dict[str, Any], str]] = [
    (Verb.HELP, {}, {}, "none"),
    (Verb.STATUS, {}, {}, "read"),
    (Verb.EXPLAIN, {}, {}, "read"),
    (Verb.PLAN, {}, {}, "read"),
    (Verb.PLAN, {}, {"private": False}, "triage"),
    (Verb.PLAN, {}, FORK, "write"),
    (Verb.PLAN, {"named": HEAD}, {"fork": True}, "write"),
    (Verb.PLAN, {"values": True}, {}, "write"),
    (Verb.DEPLOY, {}, {}, "write"),
    (Verb.DEPLOY, {}, FORK, "write"),
    (Verb.DESTROY, {}, {}, "write"),
    (Verb.DESTROY, {"force": True}, {}, "admin"),
    (Verb.APPROVE, {}, {}, "maintain"),
    (Verb.REJECT, {}, {}, "maintain"),
    (Verb.CANCEL, {}, {}, "write"),
    (Verb.RETRY, {}, {}, "write"),
    (Verb.RETRY, {"force": True}, {}, "admin"),
    (Verb.UNLOCK, {}, {}, "write"),
    (Verb.UNLOCK, {"state": True, "locked_elsewhere": None}, {}, "admin"),
    (Verb.UNLOCK, {"locked_elsewhere": True}, {}, "admin"),
    (Verb.UNLOCK, {"locked_elsewhere": None}, {}, "admin"),
    (Verb.ADOPT, {}, {}, "write"),
    (Verb.RESTORE, {}, {}, "write"),
]


def test_every_command_is_here() -> None:
    assert {verb for verb, *_ in LEAST} == set(Verb)


@pytest.mark.parametrize(("verb", "values", "changes", "least"), LEAST)
def test_the_least_role(verb: Verb, values: dict[str, Any], changes: dict[str, Any], least: str) -> None:
    for role in ROLES:
        found = codes(asked(verb, role, **values), changes)
        assert (found == []) is (ROLES.index(role) >= ROLES.index(least)), (role, found)
        assert set(found) <= {Code.NOT_ALLOWED}


@pytest.mark.parametrize(("verb", "values", "changes", "least"), LEAST)
def test_a_role_that_is_not_known_refuses(
    verb: Verb, values: dict[str, Any], changes: dict[str, Any], least: str
) -> None:
    for role in (None, "made-up"):
        found = set(codes(asked(verb, role, **values), changes))
        assert found == (set() if verb is Verb.HELP else {Code.PERMISSION_UNKNOWN})


def test_options_take_their_permission_beside_that_of_the_command() -> None:
    """An admin who may not deploy does not get round that by `--force`."""
    rules = Permissions(deploy=("@acme/ops",), approve=("write",), admin=("admin",))
    chief = Actor("eve", "admin", {"@acme/ops": False})
    assert codes(asked(Verb.DESTROY, actor=chief, force=True), permissions=rules) == [Code.NOT_ALLOWED]
    assert codes(asked(Verb.UNLOCK, actor=chief, state=True), permissions=rules) == [Code.NOT_ALLOWED]
    worker = Actor("eve", "read", {"@acme/ops": True})
    assert codes(asked(Verb.DESTROY, actor=worker), permissions=rules) == []
    assert codes(asked(Verb.DESTROY, actor=worker, force=True), permissions=rules) == [Code.NOT_ALLOWED]
    nobody = Actor("eve", "read", {"@acme/ops": None})
    both = [Code.PERMISSION_UNKNOWN, Code.NOT_ALLOWED]
    assert codes(asked(Verb.DESTROY, actor=nobody, force=True), permissions=rules) == both


def test_one_who_may_deploy_may_plan_in_public_too() -> None:
    rules = Permissions(deploy=("@acme/ops",))
    member = Actor("eve", "read", {"@acme/ops": True})
    assert codes(asked(Verb.PLAN, actor=member), {"private": False}, permissions=rules) == []


@pytest.mark.parametrize(
    ("role", "permissions", "expected"),
    [
        ("read", PERMISSIONS, ("you may not deploy here; it takes any of: 'write'", "ask somebody who may to write the command, or change permissions on the default branch")),
        (
            "admin",
            Permissions(deploy=()),
            ("nobody may deploy here", "name somebody under permissions in the headwater.yml at the root of the default branch"),
        ),
        (
            None,
            Permissions(deploy=("write", "@acme/ops")),
            (
                "it could not be found out whether you may deploy here; it takes any of: 'write', '@acme/ops'",
                "write the command again in a minute; teams are known only if the App may read members",
            ),
        ),
    ],
)  # fmt: skip
def test_who_may_is_told(role: str | None, permissions: Permissions, expected: tuple[str, str]) -> None:
    (refusal,) = gates(asked(Verb.DEPLOY, role), PULL, permissions, STRICT)
    assert (refusal.line, refusal.mend) == expected


@pytest.mark.parametrize("verb", list(Verb))
def test_where_the_rules_cannot_be_read_only_what_takes_none_goes_ahead(verb: Verb) -> None:
    """A restored file may well say that nobody here may."""
    free = {Verb.HELP, Verb.STATUS, Verb.EXPLAIN, Verb.CANCEL, Verb.REJECT, Verb.PLAN}
    found = codes(asked(verb, "admin"), {"rules_known": False})
    assert found == ([] if verb in free else [Code.RULES_UNKNOWN])


def test_without_rules_nobody_vouches_for_a_fork_or_gives_values() -> None:
    changes = {"rules_known": False}
    assert codes(asked(Verb.PLAN, "admin", values=True), changes) == [Code.RULES_UNKNOWN]
    assert codes(asked(Verb.PLAN, "admin", named=PULL.head), {**changes, "fork": True}) == [Code.RULES_UNKNOWN]
