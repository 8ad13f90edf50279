"""`/deploy` before everything is planned: what nobody could read when it was written is not deployed."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import on_both
from tests.conversations.town import Conversation, Town
from tests.conversations.workflows import workflow


def _half_planned(town: Town) -> Conversation:
    """A pull request that shows the plan of `cdn`, while `db` is still planned."""
    town.setup({"headwater.yml": workflow({"db": "", "cdn": ""}), **town.environments(db="1", cdn="1")})
    town.hold_plan("db")
    pull = town.pull(town.environments(db="2", cdn="2"))
    town.wait_for(lambda: bool(pull.ours()) and "+ cdn: 2" in pull.plan())
    return pull


@on_both
def test_what_nobody_could_read_is_not_deployed(town: Town) -> None:
    pull = _half_planned(town)
    said = pull.comment("/deploy")
    town.wait_for(lambda: len(pull.ours()) == 2)
    assert pull.newest() == snapshot("""\
### Waits for the plans of this commit

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    town.let_plan_go("db")
    town.settle()
    assert pull.newest() == snapshot("""\
### Not deployed

> [!WARNING]
> **The plan was shown only after the command was written**: `db`. Read it, then write `/deploy` again

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert pull.reactions(said) == ["eyes"]
    assert town.tool_log() == []
    pull.say("/deploy")
    assert sorted(town.tool_log()) == ["cdn begins", "cdn deployed", "db begins", "db deployed"]


def test_what_was_read_of_it_by_then_is_deployed(town: Town) -> None:
    pull = _half_planned(town)
    pull.comment("/deploy cdn")
    town.wait_for(lambda: town.tool_log() == ["cdn begins", "cdn deployed"])  # while `db` is still planned
    town.let_plan_go("db")
    town.settle()


def test_it_waits_for_the_plan_and_goes_on_if_it_was_read_at_the_commit_before(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    town.hold_plan("db")
    pull.push({"db/notes": "nothing new\n"})
    town.wait_for(lambda: f"/commit/{pull.head}" in pull.ours()[0].body)
    pull.comment("/deploy")
    town.wait_for(lambda: len(pull.ours()) == 2)
    town.let_plan_go("db")
    town.settle()
    assert town.tool_log() == ["db begins", "db deployed"]
