"""What is deployed from an open pull request belongs to it: others wait, and go on by themselves."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import on_both
from tests.conversations.town import Conversation, Town
from tests.conversations.workflows import workflow

THREE = {"network": "", "db": "network", "cdn": ""}


def _two_of_db(town: Town) -> tuple[Conversation, Conversation]:
    """Ada changes what `db` builds on and has deployed it, bob wants to deploy `db` too."""
    town.setup({"headwater.yml": workflow(THREE), **town.environments(network="1", db="1", cdn="1")})
    first = town.pull(town.environments(network="2"), by="ada")
    second = town.pull(town.environments(db="3", cdn="3"), by="bob")
    town.settle()
    first.say("/deploy")
    return first, second


@on_both
def test_the_second_waits_and_goes_on_when_the_first_is_merged(town: Town) -> None:
    first, second = _two_of_db(town)
    assert second.say("/deploy") == snapshot()
    assert town.tool_log()[4:] == []
    first.merge()
    town.settle()
    assert second.newest() == snapshot()
    assert sorted(town.tool_log()[4:]) == ["cdn begins", "cdn deployed", "db begins", "db deployed"]


@on_both
def test_it_goes_on_when_the_first_is_closed_and_restored(town: Town) -> None:
    first, second = _two_of_db(town)
    second.say("/deploy")
    first.close()
    town.settle()
    assert "Waits for" in second.newest()
    first.say("/restore")
    first.say("/approve", by="bob")
    town.settle()
    assert town.tool_log()[4:8] == ["network begins", "network deployed", "db begins", "db deployed"]
    assert sorted(town.tool_log()[8:]) == ["cdn begins", "cdn deployed", "db begins", "db deployed"]
    assert (town.tools / "db").read_text() == "3\n"


def test_one_frees_ones_own_and_admins_that_of_others(town: Town) -> None:
    first, second = _two_of_db(town)
    second.say("/deploy")
    assert second.say("/unlock db", by="bob") == snapshot()
    assert second.say("/unlock", by="bob") == snapshot()
    assert second.say("/unlock cdn db", by="olga") == snapshot()
    town.settle()
    assert sorted(town.tool_log()[4:]) == ["cdn begins", "cdn deployed", "db begins", "db deployed"]
    assert first.say("/unlock", by="bob") == snapshot()
    assert first.say("/status", by="bob") == snapshot()


@on_both
def test_t18_two_that_overlap_never_hold_each_other_up(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"a": "", "b": "", "c": ""}), **town.environments(a="1", b="1", c="1")})
    first = town.pull(town.environments(a="2", b="2"), by="ada")
    second = town.pull(town.environments(b="3", c="3"), by="bob")
    third = town.pull(town.environments(c="4", a="4"), by="bob")
    town.settle()
    for one in (first, second, third):
        one.comment("/deploy", by="olga")
    town.settle()
    assert sorted(town.tool_log()) == ["a begins", "a deployed", "b begins", "b deployed"]
    assert second.newest() == snapshot()
    assert third.newest() == snapshot()
    first.close()
    first.say("/unlock")
    assert sorted(town.tool_log()[4:]) == ["b begins", "b deployed", "c begins", "c deployed"]
    second.close()
    second.say("/unlock")
    assert sorted(town.tool_log()[8:]) == ["a begins", "a deployed", "c begins", "c deployed"]


def test_a_waiting_command_is_called_off(town: Town) -> None:
    first, second = _two_of_db(town)
    second.say("/deploy")
    assert second.say("/cancel") == snapshot()
    first.merge()
    town.settle()
    assert second.ours()[1].body.splitlines()[1] == snapshot()
    assert town.tool_log()[4:] == []


def test_its_author_may_no_more(town: Town) -> None:
    first, second = _two_of_db(town)
    second.say("/deploy")
    town.repository.collaborators["bob"] = "read"
    first.merge(by="olga")
    town.settle()
    assert second.newest() == snapshot()
    assert town.tool_log()[4:] == []


def test_what_it_waited_for_was_changed_by_the_merge(town: Town) -> None:
    """Both change `db` itself: after the merge of the one, the other does not have what the base branch has."""
    town.setup({"headwater.yml": workflow({"db": ""}), **town.environments(db="1")})
    first, second = town.pull({"db/one": "1"}, by="ada"), town.pull({"db/two": "2"}, by="bob")
    town.settle()
    first.say("/deploy")
    second.say("/deploy")
    first.merge()
    town.settle()
    assert second.newest() == snapshot()
    assert town.tool_log() == ["db begins", "db deployed"]
