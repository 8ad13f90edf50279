"""Commands whose work is cut off in the middle: tried again, they do and say what they would have, once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bot.commands import retry
from bot.decide.deeds import By
from bot.github.repository_client import RepositoryClient
from bot.server import Server
from bot.store import conversation, locks, work
from bot.store import publications as written
from bot.store.conversation import CommandState
from bot.store.hosted_tables import publications
from bot.store.publications import Publication
from bot.store.tables import deployments
from bot.working import commanding, publishing
from bot.working.voiding import call_off
from tests.conversations.conftest import on_both
from tests.conversations.merged import failed_one_by_one, headline, rows
from tests.conversations.town import Conversation, Town
from tests.conversations.workflows import workflow
from tests.waiting import until


class CutOff:
    """A function that cannot reach the database at its call of this number."""

    def __init__(self, real: Callable[..., object], at: int) -> None:
        self._real = real
        self._calls = 0
        self._at = at

    def __call__(self, *given: object, **named: object) -> object:
        self._calls += 1
        if self._calls == self._at:
            raise OperationalError("SELECT", {}, Exception("the server closed the connection"))
        return self._real(*given, **named)

    @property
    def done(self) -> bool:
        """Whether it came to that."""
        return self._calls >= self._at


def _town(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"a": "", "b": ""}), **town.environments(a="1", b="1")})


def _held(town: Town) -> Conversation:
    _town(town)
    pull = town.pull(town.environments(a="2", b="2"))
    town.settle()
    pull.say("/deploy")
    (town.tools / "log").unlink()
    return pull


@on_both
def test_a_retry_of_two_deployments_that_is_cut_off_between_them(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = failed_one_by_one(town)
    monkeypatch.setattr(retry, "submit", cut := CutOff(retry.submit, at=2))
    answer = pull.say("/retry")
    assert cut.done
    assert sorted(one for one in town.tool_log() if "deployed" in one) == ["a deployed", "b deployed"]
    assert headline(answer) == "### Deployed 2 environments"
    assert rows(answer) == ["`a` ✓ deployed +1", "`b` ✓ deployed +1"]


@on_both
def test_an_approved_restore_that_is_cut_off_once_it_was_begun(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = _held(town)
    pull.close()
    town.settle()
    pull.say("/restore", by="bob")
    restored = pull.ours()[-1].id
    monkeypatch.setattr(commanding, "_keep", cut := CutOff(commanding._keep, at=1))
    pull.comment("/approve", by="olga")
    town.settle()
    assert cut.done
    assert sorted(one for one in town.tool_log() if "deployed" in one) == ["a deployed", "b deployed"]
    assert "Not approved" not in pull.newest() and "is still being planned" not in pull.newest()
    (told,) = [one.body for one in pull.ours() if one.id == restored]
    assert "`a`: as on the default branch, and free" in told
    with town.server.database.reading() as connection:
        states = {one.verb: one.state.value for one in conversation.commands_of(connection, 1, pull.number)}
    assert states["restore"] == states["approve"] == "done"


@on_both
def test_what_is_called_off_while_its_approval_is_judged_is_not_begun(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = _held(town)
    pull.close()
    town.settle()
    pull.say("/restore", by="bob")
    real = commanding._do

    def called_off(*given: object) -> object:
        with town.server.database.writing() as connection:
            for asked in conversation.commands_of(connection, 1, pull.number, [CommandState.ASKED]):
                call_off(connection, asked, "something was pushed", By("x", "push", ()), time.time())
        return real(*given)

    monkeypatch.setattr(commanding, "_do", called_off)
    assert headline(pull.say("/approve", by="olga")) == "### Not approved"
    assert town.tool_log() == []


@on_both
def test_what_a_command_before_it_calls_off_stays_so(town: Town) -> None:
    _town(town)
    other = town.pull(town.environments(b="9"))
    town.settle()
    other.say("/deploy")
    pull = town.pull(town.environments(a="2", b="2"))
    town.settle()
    town.hold("a")
    pull.comment("/deploy a --only\n/cancel")
    town.wait_for(lambda: town.tool_log()[-1:] == ["a begins"])
    pull.comment("/deploy b --only")
    town.wait_for(lambda: "which holds `b`" in pull.newest())
    town.let_go("a")
    town.settle()
    assert "cancelled by ada" in pull.newest()
    other.say("/unlock")
    town.settle()
    assert town.tool_log()[-1] == "a deployed"


@on_both
def test_a_plan_for_which_github_does_not_answer_at_first_is_made_once(town: Town) -> None:
    _town(town)
    pull = town.pull(town.environments(a="2", b="2"))
    town.settle()
    town.github.faults.error("/repos/acme/shop/(branches|rules)", 502, times=3)
    pull.comment("/plan")
    town.settle()
    with town.server.database.reading() as connection:
        plans = connection.execute(select(deployments.c.state)).scalars().all()
    assert list(plans) == ["succeeded", "succeeded"]


@on_both
def test_a_push_that_is_cut_off_before_its_story_is_kept(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    file = workflow({"a": ""}, top="triggers: {deployOnMerge: true}")
    town.setup({"headwater.yml": file, **town.environments(a="1")})
    first = town.pull(town.environments(a="2"))
    town.settle()
    first.merge()
    town.settle()
    monkeypatch.setattr(conversation, "keep_story", cut := CutOff(conversation.keep_story, at=1))
    more = workflow({"a": "", "b": ""}, top="triggers: {deployOnMerge: true}")
    commit = town.commit({"headwater.yml": more, **town.environments(a="3", b="1")}, "Push to main")
    town.settle()
    assert cut.done
    assert [one for one in town.tasks() if "needs approval" in one]  # nobody has seen a plan of it
    with town.server.database.reading() as connection:
        story = conversation.story_at(connection, 1, "main", commit)
    assert story is not None
    assert [one for one in story.said if "b" in one]


@on_both
def test_an_unlock_that_is_cut_off_does_not_free_what_the_next_one_took(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull = _held(town)
    other = town.pull(town.environments(a="3"))
    town.settle()
    other.comment("/deploy")
    town.settle()
    assert "Waits for" in other.newest() or "waits for" in other.newest()

    def taken_meanwhile(*given: object) -> object:
        if given[1].verb != "unlock" or keep.done:  # type: ignore[attr-defined]
            return commanding_keep(*given)
        with suppress(AssertionError):  # it need not come to that
            until(lambda: "a deployed" in town.tool_log(), "the next one to have it", 2.0)
        return keep(*given)

    commanding_keep = commanding._keep
    keep = CutOff(commanding_keep, at=1)
    monkeypatch.setattr(commanding, "_keep", taken_meanwhile)
    assert headline(pull.say("/unlock a", by="olga")).startswith("### `a`: free; ")
    assert keep.done
    town.settle()
    assert "a deployed" in town.tool_log()
    assert headline(other.newest()) == "### Deployed `a`"
    with town.server.database.reading() as connection:
        held = {one.alias: one.number for one in locks.of_repository(connection, 1)}
    assert held == {"a": other.number, "b": pull.number}


@on_both
def test_an_old_text_that_comes_last_does_not_stay(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker whose lock ended with its session, or that was paused, posts what another one has posted anew since."""
    _town(town)
    pull = town.pull(town.environments(a="2"))
    town.settle()
    plan = pull.ours()[0]
    right = plan.body
    with town.server.database.reading() as connection:
        row = connection.execute(select(publications).where(publications.c.kind == "plan")).one()
    key, real = str(row.id), publishing.post

    def late(server: Server, client: RepositoryClient, one: Publication, content: str) -> tuple[int, str]:
        monkeypatch.setattr(publishing, "post", real)
        with town.server.database.writing() as connection:  # the other one, in the meantime
            written.write(connection, one.id, {"posted_at": time.time(), "digest": row.digest})
        return real(server, client, one, f"{content}\n\nold")

    monkeypatch.setattr(publishing, "post", late)
    with town.server.database.writing() as connection:
        written.write(connection, row.id, {"digest": ""})
        work.request(connection, written.KIND, key, 0.0, time.time())
    town.server.wake()
    until(lambda: publishing.post is real, "the old text to be posted")
    town.settle()
    assert [one.body for one in pull.ours() if one.id == plan.id] == [right]
