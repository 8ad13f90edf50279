"""The command line in a clone that a bot deploys: it says whose state it shows, and does not deploy beside the bot."""

from __future__ import annotations

import pytest

from planner.ci.headwater_workflow import FILE
from tests.bot.cli.conftest import Repo
from tests.bot.cli.test_doctor import checks

APP = {
    "headwater.yml": "name: shop\nenvironments:\n  app:\n    vcs: {type: script, path: app}\n",
    "app/plan": "#!/bin/sh\nexit 0\n",
    "app/apply": "#!/bin/sh\ntouch ../applied\n",
    "app/destroy": "#!/bin/sh\nexit 0\n",
}
URL = "https://headwater.example.com"
NOTE = f"note: the bot at {URL} deploys this repository;"


@pytest.fixture
def app(repo: Repo) -> Repo:
    """A repository that the bot deploys."""
    repo.commit(APP)
    for name in ("plan", "apply", "destroy"):
        (repo.folder / "app" / name).chmod(0o755)
    assert repo.headwater("init", "--github", "--url", URL).code == 0
    repo.commit({})
    return repo


@pytest.mark.parametrize("command", ["deploy", "destroy", "adopt"])
def test_nothing_is_deployed_beside_the_bot_unless_it_is_asked_for(app: Repo, command: str) -> None:
    answer = app.headwater(command, "app")
    assert answer.code == 2
    assert f"the bot at {URL} deploys this repository, and would not know of it" in " ".join(answer.err.split())
    assert f"comment /{command} on a pull request" in " ".join(answer.err.split())
    assert f"headwater {command} --beside-bot" in " ".join(answer.err.split())


def test_what_is_asked_for_is_done_and_its_status_says_whose_it_is(app: Repo) -> None:
    assert app.headwater("deploy", "--auto-approve", "--beside-bot").code == 0
    answer = app.headwater("status")
    assert "Active" in answer.out
    assert answer.err == (
        f"{NOTE} told here is what was deployed from this machine alone. "
        "Comment /status on a pull request for the bot's state.\n"
    )


def test_a_plan_changes_nothing_and_only_says_so(app: Repo) -> None:
    answer = app.headwater("plan")
    assert answer.code == 0
    assert answer.err.startswith(NOTE)


def test_a_status_without_a_store_says_so_too_unless_told_to_be_quiet(app: Repo) -> None:
    assert app.headwater("status").err.startswith(NOTE)
    assert app.headwater("status", "--quiet").err == ""


def test_a_workflow_file_of_somebody_else_is_no_bot(app: Repo) -> None:
    app.write({FILE: "on: push\n"})
    assert app.headwater("status").err == ""
    assert app.headwater("deploy", "--auto-approve").code == 0


def test_the_doctor_names_the_bot(app: Repo) -> None:
    assert checks(app)["bot"] == (
        "ok",
        f"the bot at {URL} deploys this repository; its state is there, not in the store above",
        "",
    )


def test_explain_advises_nothing_that_would_be_refused(app: Repo) -> None:
    told = app.headwater("explain", "app").out
    assert "Next: /deploy app   (as a comment on a pull request)" in told
    assert "headwater deploy" not in told
