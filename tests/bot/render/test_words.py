"""Comments say what the command line says; where they differ, it is on purpose."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from inline_snapshot import snapshot

from bot.cli import words as command_line
from bot.decide.facts import TaskAction
from bot.decide.transitions import TRANSITIONS, Code, TaskState
from bot.render.models import Row
from bot.render.words import state_words, why
from tests.bot.render.samples import URL

ON_PURPOSE = {TaskState.NEEDS_APPROVAL}
"""The command line names the state, a comment says what is waited for."""


@pytest.mark.parametrize("action", list(TaskAction))
def test_states_are_said_as_on_the_command_line(action: TaskAction) -> None:
    states = {(row.after, row.code) for row in TRANSITIONS} | {(TaskState.WAITING, Code.SUBMITTED)}
    for state, code in sorted(states):
        if state in ON_PURPOSE or code is Code.LOCKED:
            continue
        told = {"state": state, "code": code, "detail": "db", "action": action, "waits_for": ("db",), "stopping": True}
        task = SimpleNamespace(**told, behind=None, error="", plan=None)
        row = Row("x", **told)  # type: ignore[arg-type]
        said = state_words(row).replace("`", "").replace("deployment ", "")
        assert said == command_line.state_words(task), (state, code)  # type: ignore[arg-type]


def test_other_deployments_are_no_pull_requests() -> None:
    assert state_words(Row("x", state=TaskState.WAITING, behind=7)) == "queued behind deployment 7"
    theirs = Row("x", state=TaskState.WAITING, behind=7, behind_on="#3")
    assert state_words(theirs, "https://h/a/b") == "queued behind deployment 7 ([#3](https://h/a/b/pull/3))"
    gone = Row("x", state=TaskState.CANCELLED, code=Code.SUPERSEDED, detail="#9")
    assert state_words(gone) == "superseded by deployment 9"
    locked = Row("x", state=TaskState.BLOCKED, code=Code.LOCKED, detail="#12")
    assert state_words(locked, URL) == f"locked by [#12]({URL}/pull/12)"


def test_reasons() -> None:
    told = [
        why(reasons)
        for reasons in (
            ("new: it is new in headwater.yml",),
            ("never-deployed: it was never deployed",),
            ("unfinished: its last deploy did not finish",),
            ("file-changed: a.tf",),
            ("file-changed: a.tf", "source-changed: modules/x/b.tf", "watch-matched: c"),
            ("file-changed: infra/a/very/long/path/that/goes/on/and/on/for/ever/main.tf",),
            ("file-changed: a", "file-changed: b", "file-changed: c", "file-changed: and 70 more"),
            ("variable-changed: A", "variable-changed: B"),
            ("moved: from old", "definition-changed: version is 1.2, was 1.1"),
            ("revision-moved: main is 0123456, was 89abcde",),
            ("upstream-moved: vpc", "upstream-affected: vpc", "upstream-affected: db"),
            ("odd",),
            (),
        )
    ]
    assert told == snapshot(
        [
            "new",
            "never deployed",
            "its last deploy did not finish",
            "`a.tf`",
            "`a.tf`, `modules/x/b.tf` and 1 more",
            "`…/path/that/goes/on/and/on/for/ever/main.tf`",
            "`a`, `b` and 71 more",
            "variables `A` and `B`",
            "from old; version is 1.2, was 1.1",
            "main is 0123456, was 89abcde",
            "`vpc` was deployed since; downstream of `vpc` and `db`",
            "odd",
            "",
        ]
    )
