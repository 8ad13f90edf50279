"""`headwater init`: a first file from what is there; nothing is ever overwritten."""

from __future__ import annotations

import json

import pytest
from inline_snapshot import snapshot

from tests.bot.cli.conftest import SHOP, Repo

STACKS = {name: text for name, text in SHOP.items() if name != "headwater.yml"}


def executable(repo: Repo, *names: str) -> None:
    for name in names:
        (repo.folder / name).chmod(0o755)


def test_a_first_file_from_the_stacks_found(repo: Repo) -> None:
    repo.write({**STACKS, "charts/web/Chart.yaml": "name: web\n", "modules/tags/main.tf": ""})
    executable(repo, "services/billing/plan", "services/billing/apply")
    answer = repo.headwater("init")
    assert answer.code == 0
    assert answer.out == snapshot("""\
Stack                   Tool
infra/db                terraform
infra/eks               terraform
infra/network           terraform
services/billing        script
services/configuration  terraform
services/notification   terraform

Left out, since Headwater cannot deploy them yet:
Stack       Tool
charts/web  helm

Wrote headwater.yml.
""")
    assert answer.err == snapshot("""\
What comes next:
  1. write into it which environment needs which
  2. headwater lint                 checks it
  3. headwater graph --work-tree    draws it
  4. commit it, then: headwater plan
""")
    assert repo.headwater("lint").code == 0
    assert "infra/db" in repo.headwater("graph").out


def test_a_repository_without_stacks_gets_an_example(repo: Repo) -> None:
    answer = repo.headwater("init", "--quiet")
    assert answer.out == snapshot("""\
No stack was found: no folder with *.tf or *.tofu files, or with executables plan and apply.

Wrote headwater.yml.
""")
    assert answer.err == ""
    assert repo.headwater("lint").code == 0


def test_what_exists_is_left_alone(shop: Repo) -> None:
    before = (shop.folder / "headwater.yml").read_bytes()
    answer = shop.headwater("init")
    assert (answer.code, answer.out) == (
        0,
        "Nothing to write: this repository has its workflow files (headwater.yml).\n",
    )
    assert (shop.folder / "headwater.yml").read_bytes() == before


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_a_file_that_git_ignores_is_not_overwritten(repo: Repo, kind: str) -> None:
    repo.write({".gitignore": "headwater.yml\n"})
    if kind == "file":
        repo.write({"headwater.yml": "mine"})
    else:
        (repo.folder / "headwater.yml").symlink_to(repo.folder.parent / "target")
    answer = repo.headwater("init")
    assert answer.code == 2
    assert "init never overwrites" in answer.err
    assert not (repo.folder.parent / "target").exists()


ENV0 = """\
environments:
  vpc: {templateName: network}
  app: {templateName: Shop Frontend, needs: [vpc]}
"""


def test_the_templates_that_env0_keeps_are_written_as_far_as_they_can_be_known(repo: Repo) -> None:
    repo.write({"env0.workflow.yml": ENV0, "infra/network/main.tf": ""})
    answer = repo.headwater("init")
    assert answer.out == snapshot(
        "Wrote headwater.yml with the templates that env0.workflow.yml names: network, Shop Frontend\n"
    )
    assert (repo.folder / "headwater.yml").read_text() == snapshot("""\
# What the workflow files of this repository share.

# What `templateName` names in the workflow files of this repository. In env0 these are kept by env0.
templates:
  network:
    type: terraform
    path: infra/network  # guessed from the name: check it
  "Shop Frontend":
    type: terraform  # CHECK: no folder of this repository is called like this template
    path: "<fill in the folder of its code>"

# When a pull request is merged, nothing is deployed until somebody says so.
# true: what the merge affects is deployed at once, in order.
triggers:
  deployOnMerge: false
""")
    assert repo.headwater("lint").out == snapshot(
        "headwater.yml:10:11: `path` still waits to be filled in: write the folder of its code, from the root of the repository\n"
    )


def test_missing_templates_are_shown_where_the_root_file_exists(repo: Repo) -> None:
    repo.write(
        {"deploy/env0.workflow.yml": ENV0, "headwater.yml": "permissions: {deploy: [admin]}\n", "network/main.tf": ""}
    )
    answer = repo.headwater("init")
    assert answer.out == snapshot("""\
# What `templateName` names in the workflow files of this repository. In env0 these are kept by env0.
templates:
  network:
    type: terraform
    path: network  # guessed from the name: check it
  "Shop Frontend":
    type: terraform  # CHECK: no folder of this repository is called like this template
    path: "<fill in the folder of its code>"
""")
    assert answer.err == snapshot(
        "headwater.yml exists and is never overwritten: add this to it, then run headwater lint\n"
    )
    assert (repo.folder / "headwater.yml").read_text() == "permissions: {deploy: [admin]}\n"


def test_json_tells_what_was_found(repo: Repo) -> None:
    repo.write({"infra/main.tf": ""})
    assert json.loads(repo.headwater("init", "--json").out) == {
        "wrote": "headwater.yml",
        "workflowFiles": [],
        "stacks": [{"path": "infra", "tool": "terraform"}],
        "unknownTemplates": [],
    }
