"""The generated pages are what the code says, and say all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.decide.status import WorkflowStatus
from bot.decide.transitions import ALLOWED, DEPLOYMENT_ALLOWED, FINISHED, TaskState
from docs.generate import PAGES, main, states_page

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_stale(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "write it anew: make docs"


def test_every_move_and_every_status_is_on_the_page() -> None:
    page = states_page()
    moves = re.findall(r"^\| ([a-z ]+) \| ([a-z ]+) \| `([a-z-]+)` \|", page, re.MULTILINE)
    assert set(moves) == {(before.value, after.value, code.value) for before, after, code in ALLOWED}
    rest = page.split("## A deployment")[1]
    arrows = re.findall(r"^    ([a-z]+) --> ([a-z]+)$", rest, re.MULTILINE)
    assert set(arrows) == {(before.value, after.value) for before, after in DEPLOYMENT_ALLOWED}
    assert all(f"| **{status.value}** |" in page for status in WorkflowStatus)


def test_the_diagram_has_every_state_and_leads_from_the_first_to_every_end() -> None:
    diagram = states_page().split("```")[1]
    assert "[*] --> waiting" in diagram
    assert set(re.findall(r'state "([a-z ]+)" as', diagram)) == {state.value for state in TaskState}
    ends = {name.replace("_", " ") for name in re.findall(r"^    (\w+) --> \[\*\]$", diagram, re.MULTILINE)}
    assert ends == {state.value for state in FINISHED}


def test_writing_the_pages_makes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docs.generate.FOLDER", tmp_path)
    main()
    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)
