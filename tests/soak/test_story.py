"""Scenarios come from their seeds alone, can be written down, and are made smaller while they still fail."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from tests.soak import faults, story, table
from tests.soak.causes import people
from tests.soak.causing import CAUSES
from tests.soak.shrink import shrunk


def test_a_seed_is_the_same_scenario_in_any_process() -> None:
    told = [sys.executable, "-m", "tests.soak", "--seed", "7", "--show"]
    other = subprocess.run(told, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "3"})
    assert other.stdout.strip() == story.written(story.scenario(7))


def test_a_scenario_can_be_written_down() -> None:
    for seed in range(50):
        assert story.read(story.written(story.scenario(seed))) == _as_read(story.scenario(seed))


def _as_read(found: story.Scenario) -> story.Scenario:
    return replace(found, faults=tuple(found.faults), steps=tuple(found.steps))


def test_a_crowd_can_be_written_down() -> None:
    found = story.crowd(1, 20)
    assert story.read(story.written(found)) == _as_read(found)
    assert list(story.read(story.written(found)).needs) == list(found.needs)


FILE = """\
environments:
  db:
    vcs: {type: script, path: db}
  queue:
    vcs: {type: script, path: queue}
    needs: [db, network]
    variables:
      ABOVE: ${environments.db.outputs.id}
"""


def test_a_workflow_file_is_renamed_in_and_back() -> None:
    there = people.renamed(FILE, "db", "db-too")
    assert [one for one in there.splitlines() if "db" in one] == [
        "  db-too:",
        "    movedFrom: db",
        "    vcs: {type: script, path: db}",
        "    needs: [db-too, network]",
        "      ABOVE: ${environments.db-too.outputs.id}",
    ]
    assert people.renamed(there, "db-too", "db") == FILE.replace("  db:\n", "  db:\n    movedFrom: db-too\n")
    assert people.without(FILE, "queue") == FILE[: FILE.index("  queue:")]


def test_every_fault_is_drawn_and_can_be_caused() -> None:
    drawn = {fault.number for seed in range(600) for fault in story.scenario(seed).faults}
    assert drawn == set(faults.KINDS) == set(CAUSES)


def test_faults_of_jobs_follow_what_sets_jobs_to_work() -> None:
    for found in map(story.scenario, range(300)):
        for one in found.faults:
            step = found.steps[one.after]
            assert one.number not in faults.OF_JOBS or step.kind == "merge" or step.text in ("/deploy", "/retry")


def test_a_story_that_is_cut_short_keeps_its_faults() -> None:
    for whole in map(story.scenario, range(100)):
        found = story.first_pull(whole)
        assert sorted(one.number for one in found.faults) == sorted(one.number for one in whole.faults)
        assert len(found.faults) >= 2
        for one in found.faults:
            step = found.steps[one.after]
            assert one.number not in faults.OF_JOBS or step.kind == "merge" or step.text in ("/deploy", "/retry")


def test_needs_come_first_and_everything_is_below_the_first() -> None:
    for seed in range(100):
        found = story.scenario(seed)
        names = list(found.needs)
        assert all(set(needs) <= set(names[:place]) for place, needs in enumerate(found.needs.values()))
        assert found.downstream[names[0]] == set(names[1:])


def test_a_failing_scenario_is_made_as_small_as_it_can_be() -> None:
    found = next(one for one in map(story.scenario, range(100)) if len(one.faults) > 4)
    guilty, said = found.faults[2], found.steps[1]

    def fails(one: story.Scenario) -> bool:
        return (
            any((each.number, each.delay) == (guilty.number, guilty.delay) for each in one.faults) and said in one.steps
        )

    small = shrunk(found, fails)
    assert len(small.faults) == 1
    assert [one for one in small.steps if one.kind != "open"] == [said] or said.kind == "open"


def test_the_table_of_the_page_is_that_of_the_runs() -> None:
    assert table.PAGE.read_text() == table.page(table.PAGE.read_text(), table.runs())
    assert len(table.runs()) > 0
