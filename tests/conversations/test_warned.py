"""What a plan comment warns of that its plans cannot show: what will be planned again, and what will then wait."""

from __future__ import annotations

import pytest
from inline_snapshot import snapshot

from tests.conversations.town import Conversation, Town
from tests.conversations.workflows import workflow

SECRET = "variables:\n  PASSWORD: {sensitive: true, fromSecret: VAULT_PASSWORD}\n"
READS = "variables:\n  DB: ${environments.db.outputs.id}\n"
MERGED = "triggers: {deployOnMerge: true}"


def _warnings(pull: Conversation) -> list[str]:
    """The list below the headline."""
    return [line for line in pull.plan().partition("\n|")[0].splitlines() if line.startswith("- ")]


def _changed(town: Town, **wanted: str) -> Conversation:
    pull = town.pull(town.environments(**wanted))
    town.settle()
    return pull


def test_a_plan_below_a_change_is_planned_again_also_where_it_only_needs_that(town: Town) -> None:
    town.setup({"headwater.yml": workflow({"db": "", "web": "db"}), **town.environments(db="d1", web="w1")})
    assert _warnings(_changed(town, db="d2")) == snapshot(
        ["- `web`: an upstream changes too, so planned again in its turn"]
    )


@pytest.mark.parametrize("top", ["", MERGED], ids=["by-command", "by-merge"])
def test_what_lacks_a_value_in_its_plan_waits_with_what_is_found(town: Town, top: str) -> None:
    town.repository.secrets["VAULT_PASSWORD"] = "a long password"
    file = workflow({"vault": ""}, top=top, more={"vault": SECRET})
    town.setup({"headwater.yml": file, **town.environments(vault="v1")})
    pull = _changed(town, vault="v2")
    found = _warnings(pull)
    assert found == (
        snapshot(["- `vault`: deployed before the merge, what is found then and not shown here will wait for approval"])
        if top
        else snapshot(["- `vault`: what is found at deploy and not shown here will wait for approval"])
    )
    pull.say("/deploy")
    assert "vault deploy needs approval" in town.tasks()[-1]


def test_a_first_deploy_waits_with_what_is_found_where_the_workflow_says_so(town: Town) -> None:
    lenient, strict = (
        workflow({"db": "", "web": ""}, top=f"firstDeploy: {text}", more={"web": READS})
        for text in ("apply", "approve")
    )
    town.setup({"headwater.yml": lenient, **town.environments(db="d1", web="w1")})
    before = _warnings(_changed(town, db="d2"))
    town.setup({"headwater.yml": strict})
    pull = _changed(town, db="d3")
    assert (before, _warnings(pull)) == snapshot(
        ([], ["- `web`: what is found at deploy and not shown here will wait for approval"])
    )
    pull.say("/deploy")
    assert "web deploy needs approval" in town.tasks()[-1]


def test_what_reads_a_change_waits_with_what_is_found_where_the_workflow_says_so(town: Town) -> None:
    file = workflow({"db": "", "web": ""}, top="downstream: approve", more={"web": READS})
    town.setup({"headwater.yml": file, **town.environments(db="d1", web="w1")})
    pull = _changed(town, db="d2", web="w2")
    pull.say("/deploy")
    pull.merge()
    town.settle()
    assert _warnings(_changed(town, db="d3", web="w3")) == snapshot(
        [
            "- `web`: an upstream changes too, so planned again in its turn",
            "- `web`: what is found at deploy and not shown here will wait for approval",
        ]
    )
