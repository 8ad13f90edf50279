"""Workflow files written as people write them: each runs, fails or is refused, for the reason that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.github import GitHub
from tests.github.actions.definition import InvalidWorkflow, parse
from tests.github.actions.matrix import expand
from tests.github_itself.clients import call

CORPUS = sorted((Path(__file__).parent / "workflows").glob("*.yml"))
GREET = """name: Greet
description: Greets
inputs:
  who: {description: Whom, default: nobody}
outputs:
  greeting: {value: "${{ steps.say.outputs.text }}"}
runs:
  using: composite
  steps:
    - id: say
      run: echo "text=Hello ${{ inputs.who }}$MARK" >> "$GITHUB_OUTPUT"
      shell: bash
      env: {MARK: "!"}
    - run: echo "GREETED=yes" >> "$GITHUB_ENV" && test -d "${{ github.action_path }}"
      shell: sh
"""


@pytest.mark.parametrize("file", CORPUS, ids=[one.stem for one in CORPUS])
def test_the_corpus(github: GitHub, file: Path) -> None:
    text, path = file.read_text(), ".github/workflows/it.yml"
    files = {
        "README.md": "x",
        "db/main.tf": "",
        "vpc/main.tf": "",
        ".github/actions/greet/action.yml": GREET,
        path: text,
    }
    shop = github.repository("acme/shop", files, write=["ada"])
    github.settle()
    shop.runs.clear()
    token, body = github.world.personal_token("ada"), {"ref": "main", "return_run_details": True}
    answer = call(github, "POST", "/repos/acme/shop/actions/workflows/it.yml/dispatches", token, json=body)
    expected = re.findall(r"^# (?:problem|log): (.*)", text, re.M)
    if file.stem.startswith("refused"):
        assert answer.status_code == 422
        with pytest.raises(InvalidWorkflow) as refused:
            parse(path, text.encode())
        assert len(refused.value.problems) == len(expected)
        assert all(any(want in told for told in refused.value.problems) for want in expected), refused.value.problems
        return
    assert answer.status_code == 200, answer.text
    github.settle()
    run = shop.runs[answer.json()["workflow_run_id"]]
    log = "\n".join(line for one in run.current() for line in one.log)
    assert run.conclusion == ("failure" if file.stem.startswith("fails") else "success"), (run.problem, log)
    assert all(want in log for want in expected), log


def test_what_the_corpus_leaves_behind(github: GitHub) -> None:
    text = (Path(__file__).parent / "workflows/runs-12-annotations.yml").read_text()
    shop = github.repository("acme/shop", {".github/workflows/it.yml": text}, write=["ada"])
    call(
        github,
        "POST",
        "/repos/acme/shop/actions/workflows/it.yml/dispatches",
        github.world.personal_token("ada"),
        json={"ref": "main"},
    )
    github.settle()
    job = next(iter(shop.runs.values())).current()[0]
    assert [(one["annotation_level"], one["start_line"], one["end_line"], one["message"]) for one in job.check.annotations] == [
        ("warning", 3, 3, "This is old"), ("failure", 4, 5, "100% wrong"),
    ]  # fmt: skip
    assert "the word is ***" in job.log


def test_an_invalid_file_fails_the_run_that_a_push_would_start(github: GitHub) -> None:
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: some/action@v1\n"
    shop = github.repository("acme/shop", {".github/workflows/it.yml": text})
    github.settle()
    (run,) = shop.runs.values()
    assert run.conclusion == "startup_failure"
    assert "(Line: 6, Col: 15): The action 'some/action@v1' is not played" in str(run.problem)
    assert len(github.actions.refused) == 1


def test_an_action_can_be_provided(github: GitHub) -> None:
    github.actions.more["some/action"] = lambda worker, given: {"said": given["word"].upper()}
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - {id: it, uses: some/action@v1, with: {word: hi}}\n      - run: test ${{ steps.it.outputs.said }} = HI\n"
    shop = github.repository("acme/shop", {".github/workflows/it.yml": text})
    github.settle()
    assert next(iter(shop.runs.values())).conclusion == "success"


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    env: {A: false, B: 'false', C: 3, D: 1.5, E: no, F: ~, G: 0x10}\n    steps: [{run: x}]\n"
    found = parse("x.yml", text.encode()).jobs["a"].data["env"]
    assert found == {"A": False, "B": "false", "C": 3, "D": 1.5, "E": "no", "F": None, "G": "0x10"}


def test_matrix_as_github_documents_it() -> None:
    given = {
        "fruit": ["apple", "pear"], "animal": ["cat", "dog"],
        "include": [
            {"color": "green"}, {"color": "pink", "animal": "cat"}, {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"}, {"fruit": "banana", "animal": "cat"},
        ],
    }  # fmt: skip
    assert expand(given) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]
