"""`/help`, `/status`, `/explain`, `/adopt`, `/cancel`, and what is no command, or belongs elsewhere."""

from __future__ import annotations

from inline_snapshot import snapshot

from tests.conversations.conftest import on_both
from tests.conversations.town import Town, shown
from tests.conversations.workflows import workflow
from tests.github.world import requests as asking


def _two(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "api": "db"}), **town.environments(db="1", api="1")})


def test_help(town: Town) -> None:
    _two(town)
    pull = town.pull({"README.md": "# More\n"})
    assert pull.say("/help", by="eve") == snapshot()
    assert pull.say("/help deploy", by="eve") == snapshot()
    assert pull.say("/help depoly", by="eve") == snapshot()


def test_status_and_explain(town: Town) -> None:
    _two(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert pull.say("/status", by="eve") == snapshot()
    assert pull.say("/explain api", by="eve") == snapshot()
    town.break_("api")
    pull.say("/deploy")
    assert pull.say("/status") == snapshot()
    assert pull.say("/explain api") == snapshot()
    assert pull.say("/explain apo") == snapshot()
    assert pull.say("/explain") == snapshot()
    assert pull.say("/status --workflow shpo") == snapshot()


def test_what_is_nearly_a_command(town: Town) -> None:
    _two(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert pull.say("/deply db\n/deploy --onyl db\n/deploy 'db\n/deploy -v SIZE=large") == snapshot()
    assert pull.say("/deploy db --only --from api\n/destroy\n/approve @1234567") == snapshot()
    assert pull.say("/headwater dploy") == snapshot()
    assert town.tool_log() == []


def test_what_is_no_command_of_anybody(town: Town) -> None:
    _two(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    texts = (
        "> /deploy\n\nI would not",
        "```\n/deploy\n```",
        "please /deploy",
        "    /deploy",
        "/etc/passwd and /usr/bin/deploy",
        "<!-- \n/deploy\n-->",
    )
    for text in texts:
        pull.comment(text)
    edited = pull.comment("/lgtm")
    world = town.github.world
    asking.edit_comment(world, town.repository, edited, world.user("ada"), "/deploy")
    asking.comment(world, town.repository, pull.number, town.app.bot, "/deploy")
    town.settle()
    assert len(pull.ours()) == 2  # the plan comment, and the one that the test wrote in the bot's name
    assert not any(pull.reactions(one) for one in town.repository.comments.values())
    assert town.tool_log() == []
    said = pull.comment("Ready.\r\n\r\n/headwater deploy db\r\n\r\nThanks!")
    town.settle()
    assert pull.reactions(said) == ["eyes"]
    assert town.tool_log() == ["db begins", "db deployed", "api begins", "api deployed"]


def test_on_merged_and_closed_pull_requests(town: Town) -> None:
    _two(town)
    merged, closed = town.pull({"README.md": "# More\n"}), town.pull({"NOTES.md": "more\n"})
    town.settle()
    merged.merge()
    closed.close()
    town.settle()
    lines = "/plan\n/deploy\n/destroy --confirm shop\n/adopt\n/restore\n/approve\n/reject\n/cancel\n/retry\n/unlock"
    assert merged.say(lines) == snapshot()
    assert closed.say(lines) == snapshot()
    for pull in (merged, closed):
        assert pull.say("/status").startswith("### ")
        assert pull.say("/explain db").startswith("### ")
        assert pull.say("/help").startswith("### Commands")


@on_both
def test_cancel_reaches_what_runs_and_what_waits(town: Town) -> None:
    _two(town)
    pull = town.pull(town.environments(db="2"))
    town.settle()
    town.hold("db")
    pull.comment("/deploy")
    town.wait_for(lambda: town.tool_log() == ["db begins"])
    assert pull.say("/cancel", by="bob") == snapshot()
    assert shown(pull.ours()[1].body) == snapshot()
    assert town.tool_log() == ["db begins"]
    assert pull.checks()["headwater deploy: shop"] == snapshot()
    assert pull.say("/cancel") == snapshot()
    town.let_go("db")
    pull.say("/retry")
    assert town.tool_log() == ["db begins", "db begins", "db deployed", "api begins", "api deployed"]


def test_cancel_kills_what_does_not_stop(town: Town) -> None:
    _two(town)
    stubborn = "#!/bin/sh\ntrap '' INT TERM\n" + town.environments(db="")["db/apply"][1].removeprefix("#!/bin/sh\n")  # type: ignore[index]
    pull = town.pull({**town.environments(db="2"), "db/apply": ("100755", stubborn)})
    town.settle()
    town.hold("db")
    pull.comment("/deploy")
    town.wait_for(lambda: town.tool_log() == ["db begins"])
    assert pull.say("/cancel --kill") == snapshot()
    assert town.tool_log() == ["db begins"]
    assert "cancelled" in shown(pull.ours()[1].body)


def test_cancel_calls_off_what_waits_for_approval(town: Town) -> None:
    text = workflow({"db": ""}, more={"db": "requiresApproval: true"})
    town.setup({"headwater.yml": text, **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.say("/deploy")
    assert pull.say("/cancel") == snapshot()
    assert shown(pull.ours()[1].body) == snapshot()
    assert pull.say("/approve", by="bob") == snapshot()


def test_adopt(town: Town) -> None:
    _two(town)
    town.drift("db", "2")
    town.drift("api", "by hand")
    pull = town.pull(town.environments(db="2"))
    town.settle()
    assert pull.say("/adopt") == snapshot()
    assert town.tool_log() == []
    assert pull.say("/status") == snapshot()
    assert pull.say("/adopt db") == snapshot()
