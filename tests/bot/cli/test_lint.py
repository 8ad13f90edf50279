"""`headwater lint`: every problem, in the form that its reader wants."""

from __future__ import annotations

import json

from inline_snapshot import snapshot

from bot.cli.lint import github_annotation
from planner.problems import Place, Problem, Severity
from tests.bot.cli.conftest import Repo

BAD = """\
environments:
  db:
    vcs: {type: terrafrom, path: infra/db}
    needs: [vpcc]
  vpc:
    vcs: {type: terraform, path: infra/network}
"""


def test_a_good_repository_has_no_problems(shop: Repo) -> None:
    answer = shop.headwater("lint")
    assert (answer.code, answer.out, answer.err) == (0, "", "no problems in 1 workflow\n")
    assert shop.headwater("lint", "--quiet").err == ""


def test_all_problems_of_the_files_as_they_lie_there(shop: Repo) -> None:
    shop.write({"blog/env0.workflow.yml": BAD, "headwater.yaml.off": "not: read"})
    answer = shop.headwater("lint")
    assert answer.code == 2
    assert answer.out == snapshot("""\
blog/env0.workflow.yml:3:17: `type` is the text 'terrafrom' (did you mean 'terraform'?): write one of terraform, opentofu, script, terragrunt, pulumi, k8s, cloudformation, helm, ansible
blog/env0.workflow.yml:4:13: 'db' needs 'vpcc', which is not an environment of this file (did you mean 'vpc'?)
headwater.yml:4:34: warning: 'vpc' has the path 'infra/network' and the workspace 'default' of 'vpc' (blog/env0.workflow.yml:5): Headwater keeps their states apart; better give each a `workspace`
""")
    assert answer.err == snapshot("2 errors, 1 warning in 2 workflows\n")


def test_json_and_github_tell_the_same(shop: Repo) -> None:
    shop.write({"blog/env0.workflow.yml": BAD})
    problems = json.loads(shop.headwater("lint", "--format", "json").out)["problems"]
    assert problems == json.loads(shop.headwater("--json", "lint").out)["problems"]
    assert [(one["line"], one["severity"]) for one in problems] == snapshot(
        [(3, "error"), (4, "error"), (4, "warning")]
    )
    answer = shop.headwater("lint", "--format", "github")
    assert answer.code == 2
    assert answer.out == snapshot("""\
::error file=blog/env0.workflow.yml,line=3,col=17::`type` is the text 'terrafrom' (did you mean 'terraform'?): write one of terraform, opentofu, script, terragrunt, pulumi, k8s, cloudformation, helm, ansible
::error file=blog/env0.workflow.yml,line=4,col=13::'db' needs 'vpcc', which is not an environment of this file (did you mean 'vpc'?)
::warning file=headwater.yml,line=4,col=34::'vpc' has the path 'infra/network' and the workspace 'default' of 'vpc' (blog/env0.workflow.yml:5): Headwater keeps their states apart; better give each a `workspace`
""")


def test_only_the_problems_of_the_named_files(shop: Repo) -> None:
    shop.write({"blog/env0.workflow.yml": BAD})
    assert shop.headwater("lint", "headwater.yml").code == 0
    assert shop.headwater("lint", "blog/env0.workflow.yml").code == 2


def test_files_that_cannot_be_linted(shop: Repo, tmp_path_factory: object) -> None:
    shop.write({"other.yml": "a: 1", "../elsewhere/headwater.yml": "a: 1"})
    assert [shop.headwater("lint", name).err for name in ("other.yml", "none.yml", "../elsewhere/headwater.yml")] == [
        "error: other.yml is not a workflow file\n"
        "  these are called env0.workflow.yml, env0.workflow.yaml, headwater.yml or headwater.yaml\n",
        "error: none.yml: no such file\n",
        f"error: ../elsewhere/headwater.yml is not in this repository ({shop.folder})\n"
        "  start in its own repository, or name it with -C\n",
    ]


def test_a_repository_without_a_commit_is_linted(repo: Repo) -> None:
    repo.write({"headwater.yml": BAD})
    assert repo.headwater("lint").code == 2


def test_a_repository_without_workflows_says_how_to_begin(repo: Repo) -> None:
    answer = repo.headwater("lint")
    assert (answer.code, answer.err) == (0, "no workflow file here: 'headwater init' writes a first one\n")


def test_annotations_escape_what_the_runner_would_read() -> None:
    hostile = Problem(Place("a,b:%.yml", 3, 5), "50%\nof\r::error::x", Severity.WARNING)
    assert github_annotation(hostile) == "::warning file=a%2Cb%3A%25.yml,line=3,col=5::50%25%0Aof%0D::error::x"
