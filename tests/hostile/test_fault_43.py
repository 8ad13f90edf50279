"""Fault 43: names and texts made of shell, Markdown, Jinja, SQL, ANSI, bidi marks, ten megabytes, or NUL."""

from __future__ import annotations

import json
import re

import pytest

from bot.runner.redact import clean
from planner.format.texts import unprintable
from planner.reading import read
from tests.bot.runner.conftest import World
from tests.hostile.texts import ALL, ANSI, BIDI, CANARY, NUL, READABLE

each = pytest.mark.parametrize("text", ALL.values(), ids=ALL)


def workflow_of(alias: str, **vcs: str) -> bytes:
    return json.dumps({"environments": {alias: {"vcs": {"type": "script", "path": "a", **vcs}}}}).encode()


@each
def test_fault_43_an_alias(text: str) -> None:
    """One that can be read is an alias like any other, with a plain slug; any other is a problem with its place."""
    found = read({"headwater.yml": workflow_of(text)}, lambda _path: "folder")
    if text in READABLE.values():
        (one,) = found.require().workflows[0].environments
        assert one.alias == text
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", one.slug)
    else:
        assert found.errors
    for problem in found.problems:
        assert len(str(problem)) < 400
        assert unprintable(problem.message) is None


@each
def test_fault_43_a_path(text: str) -> None:
    found = read({"headwater.yml": workflow_of("a", path=text)}, lambda _path: None)
    assert found.errors
    for problem in found.problems:
        assert unprintable(problem.message) is None


@pytest.mark.parametrize("text", READABLE.values(), ids=READABLE)
def test_fault_43_a_path_that_there_is(text: str, world: World) -> None:
    """The runner works in a folder of such a name, and no shell ever reads it."""
    name = text.replace("/", "_")[:200]
    world.script(name, plan="echo here; exit 2", apply="true")
    report = world.attempt(path=name).run()
    assert (report["result"], report["plan"]["text"].strip()) == ("succeeded", "here")
    assert not list(world.folder.rglob(CANARY))


@pytest.mark.parametrize("text", [*READABLE.values(), ANSI, BIDI], ids=[*READABLE, "ansi", "bidi"])
def test_fault_43_an_output_that_another_environment_reads(text: str, world: World) -> None:
    """It reaches the tool as it is: as data in its environment."""
    seen = world.folder / "seen"
    world.script(plan=f'printf %s "$X" > {seen}; exit 2', apply="true")
    assert world.attempt(variables=[{"name": "X", "value": text}]).run()["result"] == "succeeded"
    assert seen.read_text() == text
    assert not list(world.folder.rglob(CANARY))


def test_fault_43_an_output_that_no_process_can_be_given(world: World) -> None:
    world.script(plan="exit 2", apply="true")
    report = world.attempt(variables=[{"name": "X", "value": NUL}]).run()
    assert (report["result"], "holds a character that no process can be given" in report["error"]) == ("failed", True)
    report = world.attempt(variables=[{"name": "X", "value": "x" * 10_000_000}]).run()
    assert report["result"] == "failed"
    assert "Traceback" not in report["error"]


@each
def test_fault_43_a_text_of_a_plan(text: str, world: World) -> None:
    """What a tool prints is shown without what steers a terminal, and is cut before it is too long for anybody."""
    (world.repo / "svc").mkdir()
    (world.repo / "svc" / "printed").write_text(text)
    world.script(plan="cat printed; exit 2", apply="true")
    report = world.attempt(kind="plan").run()
    shown = report["plan"]["text"]
    assert report["result"] == "succeeded"
    assert unprintable(shown.replace("\n", " ").replace("\t", " ")) is None
    assert len(shown) <= 1024 * 1024 + 100
    if text in READABLE.values():
        assert shown == text
    assert clean(shown) == shown
