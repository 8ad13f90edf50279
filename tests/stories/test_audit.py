"""`headwater audit` from the command line."""

from __future__ import annotations

import json
import re

import pytest

from tests.stories.conftest import MakeWorld
from tests.stories.world import CHAIN


def test_what_was_done_and_refused_is_listed(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "requiresApproval: true"})
    assert re.fullmatch(
        r"Nothing was done yet, in sqlite:///.+/headwater/headwater\.db\.\n", world.headwater("audit").out
    )
    assert world.headwater("deploy", "--auto-approve").code == 3
    assert world.headwater("approve", "a").code == 2
    assert world.headwater("reject", "b").code == 0
    lines = [json.loads(line) for line in world.headwater("audit", "--json").out.splitlines()]
    deeds = [(one["deed"], one["result"], one["environment"]) for one in lines if one["deed"] != "plan"]
    assert deeds == [
        ("deploy", "requested", "a"),
        ("deploy", "requested", "b"),
        ("deploy", "requested", "c"),
        ("deploy", "succeeded", "a"),
        ("approve", "refused", "a"),
        ("reject", "done", "b"),
        ("deploy", "cancelled", "b"),
        ("deploy", "blocked", "c"),
    ]
    assert {one["origin"] for one in lines} == {"cli"}
    assert {tuple(one["allowed"]) for one in lines} == {("local user",)}
    assert all(one["correlation"].startswith("cli-") for one in lines)
    assert len({one["correlation"] for one in lines}) == 3  # one for each command that did something
    only = world.headwater("audit", "--environment", "C", "--json").out.splitlines()
    assert [json.loads(one)["result"] for one in only if json.loads(one)["deed"] == "deploy"] == [
        "requested",
        "blocked",
    ]
    table = world.headwater("audit").out
    assert "reject done" in table
    assert "'a' does not wait for approval" in table
    assert world.headwater("audit", "--since", "2999-01-01").out.startswith("Nothing of that was done, in sqlite")
    assert len(world.headwater("audit", "--since", "2h", "--json").out.splitlines()) == len(lines)


@pytest.mark.parametrize("wrong", ["yesterday", "7", "99999999d", "2026-13-01"])
def test_a_moment_that_is_none(wrong: str, make_world: MakeWorld) -> None:
    answer = make_world(CHAIN).headwater("audit", "--since", wrong)
    assert answer.code == 2
    assert f"--since {wrong!r} is no moment" in answer.err


def test_a_line_stays_a_line_whatever_an_alias_holds(make_world: MakeWorld) -> None:
    evil = "x\u2028\u202e\x1b[31m"
    world = make_world({"a": ()})
    world.headwater("deploy", "--auto-approve")
    assert world.headwater("approve", f"{evil}\n{{}}").code == 2  # known nowhere, so nothing was asked for
    assert world.headwater("deploy", "a", "--only", "--assume-upstreams", "-v", "A=b", "--auto-approve").code == 0
    for line in world.headwater("audit", "--json").out.split("\n")[:-1]:
        assert line.isascii()
        json.loads(line)
