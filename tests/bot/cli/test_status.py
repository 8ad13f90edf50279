"""`headwater status` and `outputs` where nothing was ever stored: the same answer without the store."""

from __future__ import annotations

import json
import subprocess
import sys

from inline_snapshot import snapshot

from tests.bot.cli.conftest import Repo

HEAVY = """
import sys
from bot.cli.main import main
code = main(sys.argv[1:])
heavy = {"git", "networkx", "pydantic", "rich", "sqlalchemy", "alembic", "yaml", "jinja2", "cryptography"}
print(sorted(heavy & sys.modules.keys()), file=sys.stderr)
sys.exit(code)
"""


def imported(repo: Repo, *arguments: str) -> str:
    """What a command imports of what is slow to import, once its answer is kept."""
    command = [sys.executable, "-c", HEAVY, "-C", str(repo.folder), "--quiet", *arguments]
    return [subprocess.run(command, capture_output=True, text=True, check=True).stderr for _ in range(2)][1]


def test_nothing_is_deployed_of_what_was_never_worked_on(shop: Repo) -> None:
    answer = shop.headwater("status", "--json")
    (workflow,) = json.loads(answer.out)["workflows"]
    environments = workflow.pop("environments")
    assert workflow == snapshot(
        {"file": "headwater.yml", "name": "shop", "status": "Inactive", "partial": False, "deployed": 0, "of": 6}
    )
    assert [one["alias"] for one in environments] == [
        *("vpc", "db", "eks", "billing", "configuration", "notification"),
    ]
    assert environments[0] == snapshot(
        {
            "alias": "vpc",
            "deployed": False,
            "state": "not deployed",
            "commit": None,
            "deployedAt": None,
            "outputs": {},
        }
    )
    assert "disabled" in shop.headwater("status").out
    assert shop.headwater("outputs").out == "No outputs.\n"
    assert not (shop.folder / ".git/headwater/headwater.db").exists()


def test_questions_of_an_untouched_repository_import_no_store(shop: Repo) -> None:
    for question in (["status", "--json"], ["outputs"], ["graph", "--format", "json"], ["graph", "--format", "dot"]):
        assert imported(shop, *question) == "[]\n", question
    assert imported(shop, "lint") == "[]\n"


def test_the_named_workflow_and_its_nearest(shop: Repo) -> None:
    assert json.loads(shop.headwater("status", "--json", "--workflow", "shop").out)["workflows"][0]["name"] == "shop"
    answer = shop.headwater("status", "--workflow", "shopp")
    assert (answer.code, "did you mean 'shop'?" in answer.err) == (2, True)


def test_without_a_commit_the_files_are_read(repo: Repo) -> None:
    repo.write({"headwater.yml": "environments: {a: {vcs: {type: script, path: a}}}\n", "a/plan": ""})
    answer = repo.headwater("status", "--json")
    assert "there is no commit yet" in answer.err
    assert [one["alias"] for one in json.loads(answer.out)["workflows"][0]["environments"]] == ["a"]
