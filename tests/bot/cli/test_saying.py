"""How plans, reasons and failures are said."""

from __future__ import annotations

import pytest

from bot.cli import words
from bot.cli.deploying import _from_error
from bot.cli.reviewing import changed_resources, plan_body
from bot.cli.words import folded, reasons_words
from bot.store.views import PlanView
from tests.bot.cli.conftest import Repo

TERRAFORM = """\

Terraform used the selected providers to generate the following execution
plan. Resource actions are indicated with the following symbols:
  + create

Terraform will perform the following actions:

  # terraform_data.vpc will be created
"""


def plan(*changes: dict[str, object], text: str = "", outputs: int = 0) -> PlanView:
    return PlanView(1, "", {"outputs_changed": outputs}, empty=False, changes=changes, text=text)


def test_a_plan_loses_what_terraform_says_before_every_plan() -> None:
    assert plan_body(TERRAFORM) == "\n  # terraform_data.vpc will be created\n"


def test_a_plan_that_quotes_the_preamble_keeps_its_text() -> None:
    text = "\n".join([*("line" for _ in range(30)), "Terraform will perform the following actions:", "x"])
    assert plan_body(text) == text


def test_brief_tells_what_a_plan_does_to_which_resource() -> None:
    assert changed_resources(
        plan(
            {"address": "a.new", "actions": ["create"]},
            {"address": "a.changed", "actions": ["update"]},
            {"address": "a.replaced", "actions": ["delete", "create"]},
            {"address": "a.gone", "actions": ["delete"]},
            {"address": "a.here", "actions": ["no-op"], "previous": "a.there"},
        )
    ) == ["+ a.new", "~ a.changed", "± a.replaced", "- a.gone", "~ a.here (was a.there)"]


def test_brief_tells_the_text_of_a_tool_that_names_no_resources() -> None:
    assert changed_resources(plan(text="+ image=2\n- image=1\n")) == ["+ image=2", "- image=1"]
    assert changed_resources(plan(outputs=1)) == ["outputs only"]


def test_reasons_of_one_code_are_told_together() -> None:
    assert (
        reasons_words(["upstream-affected: db", "new", "upstream-affected: eks"]) == "upstream-affected: db, eks; new"
    )


def test_a_failed_log_begins_with_the_error_where_there_is_one() -> None:
    assert _from_error(["Modifying...", "│ Error: no", "│ why", "Error: again"]) == [
        "│ Error: no",
        "│ why",
        "Error: again",
    ]
    assert _from_error(["one", "two"]) == ["one", "two"]


def test_long_lines_are_folded_on_a_narrow_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert folded("a b c", first="! ") == "! a b c"
    monkeypatch.setattr(words, "terminal_width", lambda: 24)
    assert folded("aaaa bbbb cccc dddd eeee", first="! ") == "! aaaa bbbb cccc dddd\n  eeee"


@pytest.mark.parametrize("options", [["--base", "HEAD"], ["--since-deployed"]])
def test_destroy_does_not_choose_by_what_has_changed(options: list[str], repo: Repo) -> None:
    answer = repo.headwater("destroy", *options)
    assert answer.code == 2
    assert "says nothing of what to destroy" in answer.err
