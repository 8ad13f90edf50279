"""What two workers do at the same moment, each on account of something else: neither takes from the other."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.store import conversation
from bot.store.conversation import Story
from bot.store.tables import deployments
from bot.working import pushing
from tests.conversations.conftest import on_both
from tests.conversations.merged import deployed, rows
from tests.conversations.town import Town
from tests.conversations.workflows import workflow
from tests.waiting import until

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
