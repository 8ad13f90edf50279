"""What comes at the same moment, late, or in another order than it happened."""

from __future__ import annotations

import json

import pytest
from inline_snapshot import snapshot
from sqlalchemy import select

from bot.store import conversation
from bot.store.conversation import Story
from bot.store.tables import deployments
from bot.working import pushing
from tests.conversations.conftest import on_both
from tests.conversations.merged import deployed, rows
from tests.conversations.town import Town
from tests.conversations.workflows import workflow
from tests.github.hooks import Delivery
from tests.waiting import until

ONE = workflow({"db": ""})
FILE = workflow({"a": "", "b": ""}, top="triggers: {deployOnMerge: true}")


def _story(town: Town, commit: str) -> Story:
    with town.server.database.reading() as connection:
        found = conversation.story_at(connection, 1, "main", commit)
    assert found is not None
    return found


@on_both
def test_what_is_tried_again_while_a_push_is_looked_at_stays_in_its_story(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(town, FILE, a="1", b="1")
    holder = town.pull(town.environments(b="9"))
    town.settle()
    holder.say("/deploy")
    pull = town.pull(town.environments(a="2", b="2"))
    town.settle()
    town.break_("a")
    commit = pull.merge()
    town.settle()
    town.mend("a")
    real, looked = pushing.shown_before, []

    def shown_before(*given: object) -> object:
        if not looked:
            looked.append(True)
            pull.comment("/retry")
            until(lambda: len(_story(town, commit).deployments) == 2)
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(pushing, "shown_before", shown_before)
    holder.say("/unlock")
    town.settle()
    assert looked
    with town.server.database.reading() as connection:
        made = connection.execute(select(deployments.c.id).where(deployments.c.commit == commit)).scalars().all()
    assert list(_story(town, commit).deployments) == sorted(made)
    (story,) = [one.body for one in pull.ours() if "Merged by" in one.body]
    assert sorted(rows(story)) == ["`a` ✓ deployed ~1", "`b` ✓ deployed ~1"]


@pytest.mark.parametrize(
    ("younger", "deploys"), [("/cancel", False), ("/cancel --workflow other", True), ("/cancel", None)]
)
@on_both
def test_a_deploy_that_github_sends_only_after_a_younger_cancel(town: Town, younger: str, deploys: bool | None) -> None:
    """The deploy's webhook is lost, and sent again by a sweep; `None`: who cancelled may not."""
    town.setup({"headwater.yml": ONE, **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    lost: list[Delivery] = []
    town.github.hooks.hold()
    pull.comment("/deploy")
    pull.comment(younger, by="mallory" if deploys is None else "bob")

    def but_the_first(held: list[Delivery]) -> list[Delivery]:
        lost.append(held[0])
        return held[1:]

    town.github.hooks.release(but_the_first)
    town.settle()
    town.github.hooks.redeliver(lost[0])
    town.settle()
    if deploys is False:
        assert pull.newest() == snapshot("""\
### Not deployed

> [!WARNING]
> **GitHub sent this only after `/cancel`, which was written after it**. Write `/deploy` again if it is still wanted

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT)</sub>\
""")
    assert town.tool_log() == ([] if deploys is False else ["db begins", "db deployed"])


@on_both
def test_commands_that_did_not_arrive_are_sent_again_in_their_order(town: Town) -> None:
    town.setup({"headwater.yml": ONE, **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    town.stop_server()
    written = [pull.comment(text).id for text in ("/deploy", "/cancel", "/status")]
    town.wait_for(lambda: town.github.hooks.idle)
    town.start_server()
    town.settle()
    again = [one for one in town.github.hooks.log if one.redelivery and one.event == "issue_comment"]
    assert [json.loads(one.body)["comment"]["id"] for one in again] == written


@on_both
def test_a_push_of_which_github_says_only_later_whose_merge_it_is(town: Town) -> None:
    """Until then nobody seems to have seen a plan: what is new is left out, what changes asks."""
    deployed(town, workflow({"a": ""}, top="triggers: {deployOnMerge: true}"), a="1")
    file = workflow({"a": "", "b": ""}, top="triggers: {deployOnMerge: true}")
    pull = town.pull({"headwater.yml": file, **town.environments(a="2", b="1")})
    town.settle()
    town.github.faults.unlisted_seconds = 3600
    town.github.hooks.hold()
    pull.merge()
    late: list[Delivery] = []

    def the_push_alone(held: list[Delivery]) -> list[Delivery]:
        late.extend(one for one in held if one.event != "push")
        return [one for one in held if one.event == "push"]

    town.github.hooks.release(the_push_alone)
    town.settle()
    assert town.tool_log() == []
    town.github.faults.unlisted_seconds = 0
    for one in late:
        town.github.hooks.redeliver(one)
    town.settle()
    pull.say("/approve a", by="olga")
    assert sorted(town.tool_log()) == ["a begins", "a deployed", "b begins", "b deployed"]
    (story,) = [one.body for one in pull.ours() if "Merged by" in one.body]
    assert sorted(rows(story)) == ["`a` ✓ deployed ~1", "`b` ✓ deployed +1"]
    assert "no plan" not in story
