"""Who did what, and what let them; and one id from the webhook to the tool."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from sqlalchemy import select

from bot.logging import configure
from bot.store import audit
from bot.store.audit import Entry
from bot.store.hosted_tables import deliveries
from tests.conversations.conftest import on_both
from tests.conversations.town import APPLY, Town
from tests.conversations.workflows import workflow


def entries(town: Town) -> list[Entry]:
    with town.server.database.reading() as connection:
        return list(audit.entries(connection))


def told(town: Town) -> list[str]:
    """Each row, but for commits; plans, which may be made again, are left out."""
    return [
        " ".join(filter(None, (one.actor, one.deed, one.result, one.environment, one.origin, *one.codes)))
        for one in entries(town)
        if one.deed != "plan"
    ]


@on_both
def test_a_life_of_an_environment_is_told_by_who_did_what(town: Town) -> None:
    asks = "environments:\n  db:\n    vcs: {type: script, path: db}\n    requiresApproval: true\n"
    town.setup({"headwater.yml": f"name: shop\ntriggers: {{deployOnMerge: true}}\n{asks}", **town.environments(db="1")})
    pull = town.pull(town.environments(db="2"))
    town.settle()
    pull.say("/deploy db", by="eve")
    pull.say("/deploy db")
    pull.say("/approve")
    pull.say("/approve", by="bob")
    pull.merge()
    town.settle()
    other = town.pull(town.environments(db="3"), by="bob")
    town.settle()
    other.say("/deploy")
    other.say("/reject", by="ada")
    other.say("/destroy db --confirm shop")
    other.say("/approve", by="ada")
    other.say("/unlock")
    assert told(town) == [
        "eve deploy refused db #1 not-allowed",
        "ada deploy requested db #1",
        "ada lock taken db #1",
        "ada approve refused #1 own-command own-pull",
        "bob approve done db #1",
        "ada deploy succeeded db #1 done",
        "headwater lock released db #1",
        "bob deploy requested db #2",
        "bob lock taken db #2",
        "ada reject done db #2",
        "bob deploy cancelled db #2 rejected",
        "headwater lock released db #2",
        "bob destroy-plan requested db #2",
        "bob destroy requested db #2",
        "bob lock taken db #2",
        "bob destroy succeeded db #2 done",
        "bob lock released db #2",
    ]
    found = entries(town)
    plans = {(one.actor, one.origin, one.allowed) for one in found if one.deed == "plan"}
    itself = ("an open pull request is planned by itself, a fork or draft once somebody who may names its commit",)
    assert plans == {("ada", "#1", itself), ("bob", "#2", itself)}
    assert {(one.repository, one.workflow) for one in found if one.result != "refused"} == {
        ("acme/shop", "headwater.yml")
    }
    assert all(one.commit for one in found if one.deed != "lock")
    allowed = {(one.actor, one.deed, one.result): one.allowed for one in found}
    assert allowed["ada", "deploy", "requested"] == (
        "deploy: write (ada is write)",
        "approvals: 0",
        "codeOwners: false",
        "upToDate: environment",
        "checks: required",
    )
    assert allowed["bob", "approve", "done"] == ("approve: write (bob is write)", "selfApproval: false")
    assert allowed["bob", "destroy", "succeeded"] == (
        "approved by ada",
        "approve: write (ada is write)",
        "selfApproval: false",
    )
    freed = [one.allowed for one in found if (one.actor, one.result) == ("headwater", "released")]
    assert freed == [("#1 was merged",), ("its deploy was called off before it began",)]
    assert allowed["bob", "lock", "released"] == ("unlock: write (bob is write)",)
    assert allowed["eve", "deploy", "refused"] == ()


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    made = io.StringIO()
    configure("debug", [], made)
    yield made
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)


@on_both
def test_one_id_goes_from_the_webhook_to_the_tool(town: Town, stream: io.StringIO) -> None:
    said = f'echo "$HEADWATER_CORRELATION_ID" > {town.tools}/cause\n'
    apply = APPLY.replace("@TOOLS@", str(town.tools)).replace("@NAME@", "db") + said
    files = {**town.environments(db="1"), "db/apply": ("100755", apply)}
    town.setup({"headwater.yml": workflow({"db": ""}), **files})
    pull = town.pull({"db/wanted": "2\n"})
    town.settle()
    pull.say("/deploy")
    with town.server.database.reading() as connection:
        of_comment = select(deliveries.c.guid, deliveries.c.body).where(
            deliveries.c.event == "issue_comment", deliveries.c.action == "created"
        )
        found = connection.execute(of_comment).all()
    (guid,) = [row.guid for row in found if json.loads(row.body)["comment"]["body"] == "/deploy"]
    assert (town.tools / "cause").read_text().strip() == guid
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    mine = [one["event"] for one in lines if one.get("correlation") == guid]
    assert list(dict.fromkeys(mine)) == [
        "webhook kept",
        "webhook worked on",
        "command",
        "dispatched",
        "attempt claimed",
        "attempt reported",
    ]
    deeds = [one for one in entries(town) if one.deed in ("deploy", "lock")]
    assert {one.correlation for one in deeds} == {guid}
    assert {one.correlation for one in entries(town) if one.deed == "plan"} != {guid}
    (job,) = [one for run in town.repository.runs.values() for one in run.jobs if one.name == "deploy db"]
    first = town.server.metrics.registry.get_sample_value
    assert first("headwater_first_comment_seconds_count", {"kind": "plan"}) == 1
    assert first("headwater_first_comment_seconds_count", {"kind": "command"}) == 1
    assert any(f"correlation {guid}" in line for line in job.log)
