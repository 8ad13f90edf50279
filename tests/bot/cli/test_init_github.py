"""`headwater init --github`: the workflow file that the bot starts, written anew at will; the set-up action, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from planner.ci.headwater_workflow import FILE, SETUP_FILE
from tests.bot.cli.conftest import SHOP, Repo
from tests.bot.cli.test_doctor import checks

URL = "https://headwater.example.com"
SECRETS = "variables: {PASSWORD: {fromSecret: DB_PASSWORD}}\n"


def text(repo: Repo, name: str = FILE) -> str:
    return (repo.folder / name).read_text()


def test_both_files_are_written_and_what_comes_next_is_told(shop: Repo) -> None:
    shop.write({"headwater.yml": SECRETS + SHOP["headwater.yml"].replace("needs: [vpc]", "githubEnvironment: prod", 1)})
    answer = shop.headwater("init", "--github", "--url", f"{URL}/")
    assert answer.code == 0
    assert answer.out == snapshot("""\
Wrote .github/workflows/headwater.yml, for the bot at https://headwater.example.com.
Wrote .github/actions/headwater-setup/action.yml: it is yours, and never touched again.
""")
    assert answer.err == snapshot("""\
What comes next on GitHub:
  1. log in to your clouds in .github/actions/headwater-setup/action.yml
  2. make the GitHub environments headwater-plan, headwater-deploy, prod in the repository's settings
  3. let the default branch alone deploy to headwater-deploy, prod
  4. keep the secrets in them: DB_PASSWORD
  5. commit both files, with your workflow files, to the default branch
note: vpc, db, eks, configuration, notification: no backend is declared, so jobs refuse to run: their state would be lost
""")
    assert f'HEADWATER_URL: "{URL}"' in text(shop)
    assert "DB_PASSWORD: ${{ secrets.DB_PASSWORD }}" in text(shop)
    assert "hashicorp/setup-terraform@" in text(shop, SETUP_FILE)


def test_it_is_written_anew_where_the_definitions_have_changed_and_the_set_up_is_left_alone(shop: Repo) -> None:
    shop.headwater("init", "--github", "--url", URL)
    shop.write({SETUP_FILE: "mine\n"})
    again = shop.headwater("init", "--github", "--quiet")
    assert (again.out, again.err) == (f"Up to date: {FILE}, for the bot at {URL}.\n", "")
    assert checks(shop)["workflow file"] == ("ok", f"{FILE} fits, for the bot at {URL}", "")
    shop.write({"headwater.yml": SECRETS + SHOP["headwater.yml"]})
    assert checks(shop)["workflow file"] == (
        "warning",
        f"{FILE} does not give its jobs that deploy the secret DB_PASSWORD",
        "run 'headwater init --github', and commit what it writes",
    )
    assert shop.headwater("doctor").code == 0
    assert shop.headwater("init", "--github").out == f"Wrote {FILE}, for the bot at {URL}.\n"
    assert checks(shop)["workflow file"][0] == "ok"
    assert text(shop, SETUP_FILE) == "mine\n"
    moved = shop.headwater("init", "--github", "--url", "https://elsewhere.example.com")
    assert "for the bot at https://elsewhere.example.com" in moved.out


@pytest.mark.parametrize("name", [SETUP_FILE, SETUP_FILE.replace(".yml", ".yaml"), "dangling"])
def test_a_set_up_of_ones_own_is_never_touched(shop: Repo, name: str) -> None:
    if name == "dangling":
        (shop.folder / SETUP_FILE).parent.mkdir(parents=True)
        (shop.folder / SETUP_FILE).symlink_to(shop.folder.parent / "target")
    else:
        shop.write({name: "mine\n"})
    assert shop.headwater("init", "--github", "--url", URL).code == 0
    assert not (shop.folder.parent / "target").exists()
    assert name == "dangling" or [one.name for one in (shop.folder / name).parent.iterdir()] == [Path(name).name]


def test_a_repository_without_anything_gets_all_three(repo: Repo) -> None:
    repo.write({"infra/db/main.tf": 'terraform { backend "s3" {} }\n'})
    answer = repo.headwater("init", "--github", "--url", URL)
    assert answer.code == 0
    assert "Wrote headwater.yml." in answer.out and f"Wrote {FILE}" in answer.out
    assert "no backend" not in answer.err
    assert repo.headwater("lint").code == 0


def test_a_workflow_file_that_is_not_ours_is_left_alone(shop: Repo) -> None:
    shop.headwater("ci", "github-actions", "-o", FILE)
    before = text(shop)
    assert "workflow file" not in checks(shop), "it is for people without a bot, and tells by itself"
    answer = shop.headwater("init", "--github", "--url", URL)
    assert (answer.code, text(shop)) == (2, before)
    assert "exists, and `headwater init --github` did not write it" in answer.err and "move it away" in answer.err
    assert not (shop.folder / SETUP_FILE).exists()


def test_wrong_use_writes_nothing(shop: Repo) -> None:
    for arguments, said in (
        (["--github"], "--github needs the address of your bot"),
        (["--url", URL], "goes with --github"),
        (["--github", "--url", "http://headwater.example.com"], "is no address of a bot"),
        (["--github", "--url", "headwater.example.com"], "is no address of a bot"),
    ):
        answer = shop.headwater("init", *arguments)
        assert (answer.code, said in answer.err) == (2, True), answer
    assert not (shop.folder / ".github").exists()


def test_workflow_files_with_errors_are_told_and_nothing_is_written(shop: Repo) -> None:
    shop.write({"headwater.yml": "environments: {db: {needs: [nobody]}}\n"})
    answer = shop.headwater("init", "--github", "--url", URL)
    assert answer.code == 2 and "nobody" in answer.err
    assert not (shop.folder / ".github").exists()
    shop.write({"headwater.yml": "variables: {X: {fromSecret: PATH}}\n" + SHOP["headwater.yml"]})
    refused = shop.headwater("init", "--github", "--url", URL)
    assert refused.code == 2 and "no job can be given a secret of the name 'PATH'" in refused.err
    assert not (shop.folder / ".github").exists()


def test_json_tells_what_became_of_the_files(shop: Repo) -> None:
    found = json.loads(shop.headwater("init", "--github", "--url", URL, "--json").out)
    assert found["github"] == {
        "url": URL,
        "workflow": {"file": FILE, "outcome": "written"},
        "setup": {"file": SETUP_FILE, "outcome": "written"},
        "environments": ["headwater-plan", "headwater-deploy"],
        "secrets": [],
        "withoutBackend": ["vpc", "db", "eks", "configuration", "notification"],
    }
    again = json.loads(shop.headwater("init", "--github", "--json").out)["github"]
    assert (again["workflow"]["outcome"], again["setup"]["outcome"]) == ("unchanged", "left alone")


def test_a_file_is_written_from_anywhere_within_the_repository(shop: Repo) -> None:
    answer = shop.headwater("-C", str(shop.folder / "infra" / "db"), "init", "--github", "--url", URL)
    assert answer.code == 0 and (shop.folder / FILE).exists()


def test_a_wrong_address_is_told_before_anything_is_written(shop: Repo) -> None:
    (shop.folder / "headwater.yml").unlink()
    answer = shop.headwater("init", "--github", "--url", "http://headwater.example.com")
    assert (answer.code, (shop.folder / "headwater.yml").exists()) == (2, False)
    assert "is no address of a bot" in answer.err
