"""`/explain`: why it waits, on what, since when, what would free it, and why something was refused."""

from __future__ import annotations

from tests.conversations.town import Town
from tests.conversations.workflows import workflow


def test_why_it_waits_and_why_a_command_was_refused(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "api": "db"}), **town.environments(db="1", api="1")})
    first = town.pull(town.environments(db="2"), by="ada")
    town.settle()
    first.say("/deploy", by="eve")
    refused = first.say("/explain db")
    assert (
        "`/deploy` by eve was refused on DATE ([#1](https://github/acme/shop/pull/1)): you may not deploy here"
        in refused
    )
    assert "ask somebody who may to write the command, or change permissions on the default branch" in refused

    town.hold("db")
    first.comment("/deploy")
    town.wait_for(lambda: town.tool_log() == ["db begins"])
    first.comment("/explain api")
    town.wait_for(lambda: "It goes on" in first.newest())
    waits = first.newest()
    assert "- waits for `db` (deployment 2, since DATE): its turn has not come" in waits
    assert "- asked for by ada ([#1](https://github/acme/shop/pull/1)), for: downstream of `db`" in waits
    assert "It goes on by itself, once `db` succeeds." in waits
    assert "was refused" not in waits  # it was deployed since
    town.let_go("db")
    town.settle()

    second = town.pull(town.environments(db="3"), by="bob")
    town.settle()
    second.say("/deploy")
    behind = second.say("/explain db")
    assert "- belongs to [#1](https://github/acme/shop/pull/1) since DATE" in behind
    assert (
        "- `/deploy` by bob waits for [#1](https://github/acme/shop/pull/1), which holds `db`, `api`, since DATE"
        in behind
    )
    assert "It goes on by itself once that is merged, restored or unlocked." in behind
