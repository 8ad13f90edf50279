"""`headwater graph` on real repositories."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

from inline_snapshot import snapshot

from tests.bot.cli.conftest import Repo


def test_the_shop_drawn(shop: Repo) -> None:
    assert shop.headwater("graph").out == snapshot("""\
shop  6 environments in 3 levels · headwater.yml
vpc                                     terraform  infra/network
├─ db                asks for approval  terraform  infra/db
└─ eks                                  terraform  infra/eks
   ├─ billing        + db               script     services/billing
   ├─ configuration  + db               terraform  services/configuration
   └─ notification   + db · disabled    terraform  services/notification
""")


def test_forms_for_other_programs(shop: Repo) -> None:
    assert shop.headwater("graph", "--format", "mermaid").out.startswith("flowchart LR\n")
    assert shop.headwater("graph", "--format", "dot").out.startswith("digraph headwater {\n")
    by_option = json.loads(shop.headwater("graph", "--format", "json").out)
    assert by_option == json.loads(shop.headwater("graph", "--json").out)
    assert [one["alias"] for one in by_option["workflows"][0]["environments"]] == [
        "vpc", "db", "eks", "billing", "configuration", "notification",
    ]  # fmt: skip


def test_the_last_commit_is_drawn_unless_the_work_tree_is_asked_for(shop: Repo) -> None:
    shop.write({"headwater.yml": "name: shop\nenvironments: {vpc: {vcs: {type: terraform, path: infra/network}}}\n"})
    assert "billing" in shop.headwater("graph").out
    assert "billing" not in shop.headwater("graph", "--work-tree").out


def test_before_the_first_commit_the_files_are_drawn(repo: Repo) -> None:
    repo.write({"headwater.yml": "environments: {vpc: {vcs: {type: terraform, path: infra}}}", "infra/main.tf": ""})
    answer = repo.headwater("graph")
    assert "vpc" in answer.out
    assert answer.err == "there is no commit yet: this is read from the work tree\n"


def test_one_of_several_workflows(shop: Repo) -> None:
    shop.commit({"blog/env0.workflow.yml": "environments: {site: {vcs: {type: terraform, path: blog}}}\n"})
    both = shop.headwater("graph").out
    one = shop.headwater("graph", "--workflow", "blog").out
    assert "billing" in both
    assert "site" in both
    assert "billing" not in one
    answer = shop.headwater("graph", "--workflow", "blgo")
    assert (answer.code, answer.err) == (2, "error: no workflow is called 'blgo'\n  did you mean 'blog'?\n")


def test_without_a_repository_or_workflow(repo: Repo, tmp_path: object) -> None:
    repo.commit({"readme": ""})
    assert repo.headwater("graph").err == snapshot("""\
error: this repository has no workflow file
  'headwater init' finds its stacks and writes a first headwater.yml; one that is there already is read once it is committed
""")
    assert repo.headwater("-C", "..", "graph").code == 2


def on_a_terminal(repo: Repo, *arguments: str) -> str:
    """What a terminal gets to see."""
    master, slave = pty.openpty()
    variables = {**os.environ, "TERM": "xterm", "COLUMNS": "60"}
    command = [sys.executable, "-m", "bot.cli.main", *arguments]
    subprocess.run(command, cwd=repo.folder, env=variables, stdout=slave, stderr=slave, stdin=slave, check=True)
    os.close(slave)
    seen = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # how Linux tells that the other end is closed
            part = b""
        if not part:
            os.close(master)
            return seen.decode()
        seen += part


def test_colours_and_width_are_those_of_the_terminal(shop: Repo) -> None:
    coloured = on_a_terminal(shop, "graph")
    assert "\x1b[36m+ db\x1b[0m" in coloured
    assert "services/configura" not in coloured  # 60 columns: cut
    assert "\x1b" not in on_a_terminal(shop, "graph", "--no-color")
