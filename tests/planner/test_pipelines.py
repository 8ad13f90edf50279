"""Rendered CI files: three linters find nothing, texts from outside stay data, and the scripts in them work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.ci.pipelines import LARGEST_FILE, branch_filter, literal, render_github_actions
from planner.definition import OutputReference, Tool, Triggers, Variable, Workflow
from planner.problems import Place, PlannerError
from tests.depth import examples
from tests.github.actions.expressions import filled
from tests.planner.github_run import GitHub, read, workflow_of

HOSTILE = [
    "a 'b' \"c\" `d` \\",
    "${{ secrets.KEY }}",
    "$${{{{ '}}' }}",
    "x }} ${{ '",
    "🚀 Größe 数据",
    "- [yes]: {no} # &x *y !z %d @e",
    "$(touch /tmp/x); $HOME && true",
    "-rf",
    "on",
    "1.10",
    "line\u2028separator\u0085\ufeff",
]
PLACE = Place("headwater.yml", 3, 5)


def chain(size: int, needs: int = 3) -> Workflow:
    aliases = [f"environment-{number}" for number in range(size)]
    return workflow_of({alias: aliases[max(0, place - needs) : place] for place, alias in enumerate(aliases)})


def hostile() -> Workflow:
    return workflow_of({alias: HOSTILE[max(0, place - 2) : place] for place, alias in enumerate(HOSTILE)})


def demanding() -> Workflow:
    """Everything that a job may ask of GitHub, in one workflow."""
    secret = Variable("TOKEN", PLACE, sensitive=True, from_secret="SHOP_TOKEN")
    reference = Variable("VPC", PLACE, "${environments.vpc.outputs.id}", references=(OutputReference("vpc", "id"),))
    workflow = workflow_of(
        {"vpc": [], "db": ["vpc"], "eks": ["vpc"], "app": ["db", "eks"]},
        {
            "vpc": {"version": "~> 1.5, < 1.9", "variables": (replace(secret, name="PLAN", plan=True),)},
            "db": {"tool": Tool.OPENTOFU, "runs_on": ("ubuntu-24.04",), "variables": (reference,)},
            "eks": {"timeout": 90.0, "github_environment": "pro${{ x }}d", "requires_approval": True},
            "app": {"tool": Tool.SCRIPT, "variables": (replace(secret, from_secret="APP_KEY"),)},
        },
    )
    return replace(workflow, variables=(secret,))


def rendered(*workflows: Workflow, graph: bool = True, **more: Any) -> str:
    return render_github_actions(workflows, **{"graph": graph, "base_branch": "main", "version": "1.2.3", **more})


def linters(file: Path) -> list[list[str]]:
    found = Path(sys.executable).parent
    return [
        [str(found / "actionlint"), "-no-color", str(file)],
        [str(found / "zizmor"), "--offline", "--no-progress", "--persona=auditor", "--color=never", str(file)],
        [str(found / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(file)],
    ]


CASES = {
    "one": ([chain(1)], {}),
    "six": ([chain(6)], {}),
    "300": ([chain(300)], {}),
    "hostile": ([hostile()], {}),
    "demanding": ([demanding()], {"setup_action": True}),
    "selected": ([replace(chain(3), name="it's ${{ x }} 🚀")], {"whole": False}),
    "several": ([replace(hostile(), name=name) for name in ("prod", "${{ dev }}", "x" * 90)], {"store": True}),
}


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
@pytest.mark.parametrize("case", CASES)
def test_linters_find_nothing(tmp_path: Path, case: str, graph: bool) -> None:
    workflows, more = CASES[case]
    file = tmp_path / "headwater.yml"
    file.write_text(rendered(*workflows, graph=graph, **more), encoding="utf-8")
    for command in linters(file):
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, f"{Path(command[0]).name}: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_300_environments_fit_and_take_no_time(graph: bool) -> None:
    start = time.perf_counter()
    text = rendered(chain(300, needs=4), graph=graph)
    assert len(text.encode()) < LARGEST_FILE
    assert time.perf_counter() - start < 5, "a second on an idle machine"


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_the_same_definitions_give_the_same_bytes_in_every_process(graph: bool) -> None:
    script = (
        "import sys; from tests.planner.test_pipelines import demanding, hostile, rendered;"
        f"sys.stdout.buffer.write(rendered(demanding(), hostile_named(), graph={graph}).encode())"
    ).replace("hostile_named()", "__import__('dataclasses').replace(hostile(), name='h')")
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert rendered(demanding(), replace(hostile(), name="h"), graph=graph).encode() in outputs


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_a_job_is_given_exactly_the_alias_whatever_it_says(tmp_path: Path, graph: bool) -> None:
    workflow = hostile()
    run = GitHub(tmp_path).run(rendered(workflow, graph=graph), [workflow], set(HOSTILE))
    assert sorted(run.ran) == sorted(HOSTILE)


@settings(max_examples=examples(150), deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("${}'\"\\")))
def test_a_literal_is_that_text_and_never_an_expression(text: str) -> None:
    found = read(f"env:\n  X: {literal(text)}\n")["env"]["X"]
    assert (filled(found, {}) if found else "") == text


def test_no_text_of_a_definition_and_no_expression_is_in_a_script() -> None:
    for graph in (True, False):
        file = read(rendered(hostile(), demanding().__class__("x/headwater.yml", "x"), graph=graph))
        scripts = [step["run"] for job in file["jobs"].values() for step in job["steps"] if "run" in step]
        assert not [script for script in scripts if "${{" in script]
        assert not [script for script in scripts for alias in HOSTILE if len(alias) > 4 and alias in script]


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_actions_are_pinned_and_permissions_are_least(graph: bool) -> None:
    text = rendered(demanding(), graph=graph)
    assert all(re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in text.splitlines() if "uses:" in line)
    file = read(text)
    assert file["permissions"] == {"contents": "read"}
    assert all("write" not in job.get("permissions", {}).values() for job in file["jobs"].values())
    checkouts = [step for job in file["jobs"].values() for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert all(step["with"] == {"fetch-depth": "0", "persist-credentials": "false"} for step in checkouts)
    signed_in = read(rendered(demanding(), graph=graph, setup_action=True))["jobs"]
    assert {name for name, job in signed_in.items() if "id-token" in job.get("permissions", {})} == {
        name for name in signed_in if name not in ("affected", "result")
    }


def test_a_job_asks_of_github_what_its_environment_says() -> None:
    jobs = read(rendered(demanding()))["jobs"]
    assert jobs["deploy-db"]["runs-on"] == "ubuntu-24.04"
    assert (jobs["deploy-eks"]["timeout-minutes"], jobs["deploy-eks"]["environment"]) == (
        "12",
        "pro${{ '${{' }} x }}d",
    )
    assert jobs["deploy-app"]["environment"] == "headwater-deploy"
    plain = read(rendered(chain(2)))["jobs"]
    assert not [
        name for name, job in plain.items() if "environment" in job or ("timeout-minutes" in job and "deploy" in name)
    ]
    tools = {
        name: [step["uses"].split("@")[0] for step in job["steps"] if "uses" in step][2:] for name, job in jobs.items()
    }
    assert tools["deploy-vpc"] == ["hashicorp/setup-terraform"]
    assert jobs["deploy-vpc"]["steps"][3]["with"]["terraform_version"] == "~> 1.5  < 1.9"
    assert tools["deploy-db"] == ["opentofu/setup-opentofu"]
    assert tools["deploy-app"] == []


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_a_secret_reaches_only_the_environments_that_name_it_and_no_plan_unless_it_says_so(
    tmp_path: Path, graph: bool
) -> None:
    workflow = demanding()
    file = read(rendered(workflow, graph=graph))
    secrets = {name: name.lower() for name in ("SHOP_TOKEN", "APP_KEY", "HEADWATER_DATABASE_URL", "HEADWATER_KEY")}
    github = GitHub(tmp_path)
    for event, expected in (
        ("pull_request", {"vpc": {"SHOP_TOKEN"}, "db": set(), "eks": set(), "app": set()}),
        ("push", {"vpc": {"SHOP_TOKEN"}, "db": {"SHOP_TOKEN"}, "eks": {"SHOP_TOKEN"}, "app": {"APP_KEY"}}),
    ):
        outputs = github.first_job(file, [workflow], set(expected), event)
        given: dict[str, set[str]] = {}
        for name, job in file["jobs"].items():
            if name in ("affected", "result") or (name.startswith("plan-") is not (event == "pull_request")):
                continue
            context = {"needs": {"affected": {"outputs": outputs}}, "secrets": secrets}
            legs = filled(job["strategy"]["matrix"], context)["include"] if "strategy" in job else [{}]
            for leg in legs:
                env = {key: filled(text, {**context, "matrix": leg}) for key, text in job["steps"][-1]["env"].items()}
                store = {
                    key for key, value in env.items() if value and key in ("HEADWATER_DATABASE_URL", "HEADWATER_KEY")
                }
                assert len(store) == (2 if event == "push" else 0), "a pull request's code never gets the store"
                given[env["HEADWATER_ENVIRONMENT"]] = {key for key in ("SHOP_TOKEN", "APP_KEY") if env.get(key)}
        assert given == expected


def test_the_store_is_used_where_a_workflow_cannot_do_without() -> None:
    alone, together = rendered(chain(2)), rendered(demanding())
    assert "secrets.HEADWATER_DATABASE_URL" not in alone and "'headwater==1.2.3'" in alone
    assert "--assume-upstreams" in alone and "--since-deployed" not in alone
    deploys = [line for line in together.splitlines() if " deploy --only" in line]
    assert deploys and not [line for line in deploys if "--assume-upstreams" in line]
    assert "--since-deployed" in together and "'headwater[postgres]==1.2.3'" in together
    assert "actions: read" not in together
    assert "# The store is needed: variables take outputs of other environments." in together
    assert "# WARNING, this needs a store: environments have requiresApproval" in rendered(demanding(), store=False)


@pytest.mark.parametrize(
    ("more", "command"),
    [
        ({}, "headwater ci github-actions --graph --branch main -o FILE"),
        ({"graph": False, "store": True}, "headwater ci github-actions --store --branch main -o FILE"),
        (
            {"whole": False, "store": False},
            "headwater --workflow NAME ci github-actions --graph --no-store --branch main",
        ),
        ({"base_branch": "x\u2028y: $(z)"}, "headwater ci github-actions --graph --branch NAME -o FILE"),
    ],
)
def test_the_file_says_how_to_render_it_again(more: dict[str, Any], command: str) -> None:
    assert f"\n#   {command}" in rendered(chain(2), **more)


def test_without_the_secret_of_its_store_nothing_is_deployed(tmp_path: Path) -> None:
    step = next(one for one in read(rendered(demanding()))["jobs"]["affected"]["steps"] if one.get("id") == "matrix")
    context = {"github": {"event_name": "push"}, "secrets": {}}
    done = GitHub(tmp_path).script(step, context, "push", [sys.executable, "-c"])
    assert done.returncode == 1
    assert "HEADWATER_DATABASE_URL is missing" in done.stderr


def test_a_failing_matrix_command_fails_the_job(tmp_path: Path) -> None:
    github = GitHub(tmp_path)
    github.program("headwater", "exit 2")
    step = next(one for one in read(rendered(chain(2)))["jobs"]["affected"]["steps"] if one.get("id") == "matrix")
    context = {"steps": {}, "secrets": {}, "github": {}}
    assert github.script(step, context, "push", [sys.executable, "-c"]).returncode == 2


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "level"])
def test_the_first_job_tells_when_the_definitions_have_moved_on(tmp_path: Path, graph: bool) -> None:
    github = GitHub(tmp_path)
    shop = workflow_of({"vpc": [], "db": ["vpc"]})
    step = next(
        one for one in read(rendered(shop, graph=graph))["jobs"]["affected"]["steps"] if "FINGERPRINT" in str(one)
    )

    def current(now: Workflow) -> bool:
        (tmp_path / "now.yml").write_text(rendered(now, graph=graph, base_branch="trunk", store=True))
        github.program("headwater", f"cat {tmp_path}/now.yml")
        run = {"GITHUB_WORKFLOW_REF": "o/r/.github/workflows/x.yml@refs/heads/main", "GITHUB_REPOSITORY": "o/r"}
        done = github.script(step, {}, **run)
        assert done.returncode == 0 or ".github/workflows/x.yml was rendered: render it again" in done.stdout
        return done.returncode == 0

    assert current(shop)
    assert current(replace(shop, file="elsewhere/headwater.yml"))
    assert not current(workflow_of({"vpc": [], "db": ["vpc"], "app": ["db"]})), "a new wave"
    assert not current(workflow_of({"vpc": [], "db": ["vpc"]}, {"db": {"timeout": 60.0}}))
    assert not current(workflow_of({"vpc": [], "db": ["vpc"]}, name="other"))
    one_more = workflow_of({"vpc": [], "db": ["vpc"], "eks": ["vpc"]})
    assert current(one_more) is not graph, "a matrix has room for one more, a graph needs its job"
    assert current(workflow_of({"vpc": [], "db": []})) is False


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_push_is_compared_with_the_newest_commit_that_was_deployed_in_full(tmp_path: Path) -> None:
    """Trap T13: never HEAD^, and not the commit before the push, which misses what failed or was superseded."""
    github = GitHub(tmp_path)
    git(tmp_path, "init", "-q")
    first, second, third = (
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", name) or git(tmp_path, "rev-parse", "HEAD")
        for name in "abc"
    )
    step = next(one for one in read(rendered(chain(2)))["jobs"]["affected"]["steps"] if one.get("id") == "base")
    names = {"GITHUB_REPOSITORY": "o/r", "GITHUB_RUN_ID": "7", "GITHUB_REF_NAME": "main"}

    def base(before: str, *succeeded: str) -> str:
        answer = "\n".join(f"echo {commit}" for commit in succeeded) or "true"
        github.program(
            "gh",
            f'case "$*" in *actions/runs/7*) echo 42;; *workflows/42/runs*status=success*) {answer};; *) exit 9;; esac',
        )
        done = github.script(step, {"github": {"event": {"before": before}}}, **names)
        output = (tmp_path / "output").read_text()
        assert (done.returncode == 0) is bool(output)
        return output.strip() or done.stdout.strip()

    assert base(second, first) == f"commit={first}"
    assert base(second) == f"commit={second}", "no run has succeeded yet"
    assert base(third, "d" * 40, second) == f"commit={second}", "a force push took the newest one away"
    assert base("0" * 40).startswith("::error::There is no commit to compare with")
    github.program("gh", "exit 1")
    assert github.script(step, {"github": {"event": {"before": second}}}, **names).returncode != 0


def test_branch_names_are_no_patterns() -> None:
    assert branch_filter("main") == '"main"'
    assert branch_filter("release+1") == '"release\\\\+1"'
    assert branch_filter("!x") == '"\\\\!x"'
    shop = replace(chain(2), triggers=Triggers(branches=("prod", "stage")))
    assert read(rendered(shop))["on"]["push"] == {"branches": ["prod", "stage"]}


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("no environment to render", rendered),
        ("no version of Headwater", lambda: rendered(chain(1), version="1'; rm -rf /")),
        ("would have .* bytes, GitHub reads 500,000", lambda: rendered(chain(600))),
        ("'environment-229' needs 229 environments, more than one condition", lambda: rendered(chain(300, needs=300))),
        (
            "deploy from different branches",
            lambda: rendered(chain(1), replace(chain(1), name="b", triggers=Triggers(("x",)))),
        ),
        ("GitHub has no secret of the name 'GITHUB_X'", lambda: rendered(with_secret("GITHUB_X"))),
        ("headwater.yml:3:5: GitHub has no secret of the name 'a }}'", lambda: rendered(with_secret("a }}"))),
        ("the matrix of all environments would have", lambda: rendered(chain(6000, needs=0), graph=False)),
        ("too many different settings", lambda: rendered(all_different(2500), graph=False)),
    ],
)
def test_what_github_could_not_run_is_refused_with_the_mend(message: str, call: Any) -> None:
    with pytest.raises(PlannerError, match=message):
        call()


def with_secret(name: str) -> Workflow:
    return replace(chain(1), variables=(Variable("X", PLACE, sensitive=True, from_secret=name),))


def all_different(size: int) -> Workflow:
    return workflow_of(
        {f"e{one}": [] for one in range(size)}, {f"e{one}": {"timeout": one * 60.0} for one in range(size)}
    )


def test_the_jobs_install_the_package_that_is_named() -> None:
    package = "headwater[postgres] @ git+https://example.com/headwater@3d3c42e5aac5ba805825da76410c181273ba90b1"
    text = rendered(chain(6), package=package)
    assert f"pip install --quiet '{package}'" in text
    assert f"--package '{package}'" in text
    for bad in ("", "x'; curl y #", "x\ny", "${{ secrets.X }}", "x: y", "x #y"):
        with pytest.raises(PlannerError):
            rendered(chain(6), package=bad)
