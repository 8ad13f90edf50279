"""docs/requirements.md tells every code there is, and no other; and what it says of commands and keys is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.decide.gates import PullState, Verb, welcome
from bot.decide.identity_token import Mismatch
from bot.decide.refusals import Code
from planner.definition import Permissions, Requirements
from planner.schema import PERMISSIONS, REQUIREMENTS

PAGE = (Path(__file__).parents[3] / "docs/requirements.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", PAGE, re.S | re.M))


def rows(section: str) -> list[list[str]]:
    """The cells of a section's tables, without their heads."""
    lines = re.findall(r"^\| (`?/?.*) \|$", SECTIONS[section], re.M)
    return [line.split(" | ") for line in lines]


def named(section: str) -> list[str]:
    return [cells[0].strip("`") for cells in rows(section) if cells[0].startswith("`")]


def test_every_reason_is_told_in_order() -> None:
    assert named("Every reason") == list(Code)
    for code, meaning, mend in [cells for cells in rows("Every reason") if cells[0] != "code"]:
        assert meaning.endswith("."), code
        assert mend.endswith("."), code


def test_every_claim_of_a_job_is_told() -> None:
    assert named("Which job is believed") == list(Mismatch)


def test_every_key_is_told_with_its_default() -> None:
    told = {cells[0].strip("`"): cells[1].strip("`") for cells in rows("Who may") if cells[1].startswith("`[")}
    assert told == {key.name: f"[{getattr(Permissions(), key.name)[0]}]" for key in PERMISSIONS.keys}
    told = {cells[0].strip("`"): cells[1].strip("`") for cells in rows("What a deploy takes")[1:]}
    defaults = Requirements()
    assert told == {
        "approvals": str(defaults.approvals),
        "codeOwners": str(defaults.code_owners).lower(),
        "selfApproval": str(defaults.self_approval).lower(),
        "upToDate": defaults.up_to_date,
        "checks": defaults.checks,
    }
    assert set(told) == {key.name for key in REQUIREMENTS.keys}


def test_every_command_is_told() -> None:
    assert set(re.findall(r"`/([a-z]+)", SECTIONS["Who may"])) == set(Verb)


@pytest.mark.parametrize(("row", "state"), [("closed without a merge", PullState.CLOSED)])
def test_where_commands_belong(row: str, state: PullState) -> None:
    cells = next(cells for cells in rows("Where commands belong") if cells[0] == row)
    assert set(re.findall(r"`/([a-z]+)`", cells[1])) == welcome(state)
    assert welcome(PullState.MERGED) == welcome(PullState.CLOSED) - {Verb.RESTORE}
