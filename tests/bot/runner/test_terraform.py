"""Attempts with real Terraform: the machine's own where there is one, and the one from the Python package."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bot.runner import channel
from tests.bot.runner.conftest import World
from tests.bot.runner.state_store import state_store
from tests.waiting import until

BASE = """
variable "size" {
  type    = number
  default = 1
}
variable "password" {
  default   = ""
  sensitive = true
}
resource "terraform_data" "a" {
  input            = { size = var.size, password = var.password, "odd key" = [1, { deep = true }] }
  triggers_replace = var.size > 100
}
output "size" { value = var.size }
output "login" {
  value     = "user:${var.password}"
  sensitive = true
}
"""
SLEEPER = """
resource "terraform_data" "first" { input = "kept" }
resource "terraform_data" "a" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" { command = "touch MARK; sleep 30" }
}
"""


def run(world: World, size: int = 1, **spec: Any) -> dict[str, Any]:
    variables = [
        {"name": "size", "value": size},
        {"name": "password", "value": "correct-horse", "sensitive": True},
        {"name": "unknown", "value": {"a": "${b}"}},
    ]
    attempt = world.attempt(tool="terraform", variables=variables, **spec)
    report = attempt.run()
    for name in attempt.left:
        assert b"correct-horse" not in (attempt.folder / name).read_bytes()
    return report


def test_a_stack_from_first_deploy_to_destroy(terraform: World) -> None:
    terraform.commit({"svc/main.tf": BASE})
    plan = run(terraform, kind="plan")
    assert (plan["result"], plan["plan"]["add"], plan["plan"]["outputs_changed"]) == ("succeeded", 1, 2)
    assert plan["plan"]["text"].startswith("\nTerraform used") or "Terraform will perform" in plan["plan"]["text"]
    assert not (terraform.folder / "states").exists() or not list((terraform.folder / "states").glob("*.tfstate"))

    deployed = run(terraform, accept={"shown": plan["plan"]["leaves"]})
    assert (deployed["result"], deployed["plan"]["unseen"]) == ("succeeded", [])
    assert deployed["plan"]["digest"] == plan["plan"]["digest"]
    assert deployed["plan"]["changes"] == [{"address": "terraform_data.a", "actions": ["create"]}]
    assert deployed["outputs"] == {
        "size": {"value": 1, "sensitive": False},
        "login": {"value": "user:correct-horse", "sensitive": True},
    }

    again = run(terraform)
    assert (again["result"], again["applied"], again["outputs"]) == ("no changes", False, deployed["outputs"])

    update = run(terraform, 2)
    assert (update["result"], update["plan"]["change"], update["plan"]["replace"]) == ("succeeded", 1, 0)
    replaced = run(terraform, 101, kind="plan")
    assert (replaced["plan"]["replace"], replaced["plan"]["add"], replaced["plan"]["destroy"]) == (1, 0, 0)
    assert "replacement of terraform_data.a" in replaced["plan"]["leaves"]

    destroy_plan = run(terraform, kind="destroy-plan")
    gone = run(terraform, kind="destroy", accept={"shown": destroy_plan["plan"]["leaves"]})
    assert (gone["result"], gone["plan"]["destroy"], gone["outputs"]) == ("succeeded", 1, {})
    assert run(terraform, kind="destroy")["result"] == "no changes"


def test_a_plan_that_differs_waits_and_unseen_ones_go_on_by_rule(terraform: World) -> None:
    terraform.commit({"svc/main.tf": BASE})
    shown = run(terraform, kind="plan")["plan"]["leaves"]
    waits = run(terraform, 2, accept={"shown": shown})
    assert (waits["result"], waits["applied"]) == ("needs approval", False)
    assert waits["plan"]["unseen"] == ["output.size", "terraform_data.a.input.size"]
    excused = {"shown": shown, "paths": ["output.size"]}
    first = run(terraform, 2, accept=excused, ignore_differences=["terraform_data.*.input.size"])
    assert first["result"] == "succeeded"
    assert run(terraform, 3, accept={"unseen": "creates"})["result"] == "needs approval"
    assert run(terraform, 3, accept={"unseen": "creates-updates"})["result"] == "succeeded"
    assert run(terraform, 101, accept={"unseen": "creates-updates"})["result"] == "needs approval"
    assert run(terraform, kind="destroy", accept={"unseen": "creates-updates"})["result"] == "needs approval"


def test_each_workspace_has_a_state_of_its_own_and_a_plan_makes_none(terraform: World) -> None:
    terraform.commit({"svc/main.tf": BASE})
    assert run(terraform, kind="plan", workspace="prod")["plan"]["add"] == 1
    assert run(terraform, kind="destroy", workspace="prod")["result"] == "no changes"
    assert run(terraform, workspace="prod")["result"] == "succeeded"
    assert run(terraform, workspace="prod")["result"] == "no changes"
    assert run(terraform, kind="plan")["plan"]["add"] == 1
    states = terraform.folder / "states"
    assert [str(one.relative_to(states)) for one in states.rglob("*.tfstate")] == [
        "svc.tfstate.d/prod/terraform.tfstate"
    ]


def test_an_interrupt_starts_nothing_more_and_lets_terraform_save_its_state(terraform: World) -> None:
    mark, second = terraform.folder / "mark", terraform.folder / "second"
    text = SLEEPER.replace("touch MARK; sleep 30", f"trap '' INT; touch {mark}; sleep 1")
    later = f'provisioner "local-exec" {{ command = "touch {second}" }}'
    text += f'resource "terraform_data" "b" {{\n depends_on = [terraform_data.a]\n {later}\n}}\n'
    terraform.commit({"svc/main.tf": text})
    attempt = terraform.attempt(tool="terraform")
    attempt.start()
    attempt.tool_runs(mark)
    channel.ask_stop(attempt.folder)
    assert attempt.wait(20) == 0
    report = attempt.report
    assert (report["result"], report["applied"]) == ("cancelled", True)
    assert not second.exists()
    state = json.loads((terraform.folder / "states" / "svc.tfstate").read_text())
    assert {one["name"] for one in state["resources"]} == {"first", "a"}


def test_terraform_outlives_its_runner(terraform: World) -> None:
    mark = terraform.folder / "mark"
    text = SLEEPER.replace("MARK", str(mark)).replace("sleep 30", "sleep 2")
    terraform.commit({"svc/main.tf": text})
    attempt = terraform.attempt(tool="terraform")
    process = attempt.start()
    attempt.tool_runs(mark)
    process.kill()
    attempt.wait()
    assert channel.still_locked(attempt.folder)
    until(lambda: not channel.still_locked(attempt.folder))
    assert terraform.attempt(tool="terraform").run()["result"] == "no changes"


def test_an_apply_that_hangs_times_out(terraform: World) -> None:
    terraform.commit({"svc/main.tf": SLEEPER.replace("MARK", str(terraform.folder / "mark"))})
    report = terraform.attempt(tool="terraform", timeout=3, grace=10).run()
    assert (report["result"], report["applied"]) == ("timed out", True)


def test_a_move_and_an_output_alone_are_changes(terraform: World) -> None:
    terraform.commit({"svc/main.tf": 'resource "terraform_data" "a" { input = 1 }\n'})
    run(terraform)
    moved = (
        'resource "terraform_data" "b" { input = 1 }\nmoved {\n from = terraform_data.a\n to = terraform_data.b\n}\n'
    )
    terraform.commit({"svc/main.tf": moved})
    report = run(terraform, accept={"unseen": "creates-updates"})
    assert (report["result"], report["plan"]["move"], report["plan"]["change"]) == ("succeeded", 1, 0)
    assert report["plan"]["changes"][0]["previous"] == "terraform_data.a"
    terraform.commit({"svc/main.tf": moved + 'output "o" { value = 1 }\n'})
    report = run(terraform)
    assert (report["result"], report["plan"]["outputs_changed"], report["plan"]["changes"]) == ("succeeded", 1, [])


def test_a_backend_in_the_code_is_used_as_it_is(terraform: World) -> None:
    state = terraform.folder / "own.tfstate"
    terraform.commit({"svc/main.tf": f'terraform {{\n  backend "local" {{ path = "{state}" }}\n}}\n{BASE}'})
    assert run(terraform, refuse_no_backend=True)["result"] == "succeeded"
    assert state.exists()
    assert not (terraform.folder / "states").exists()


def test_without_a_backend_ci_refuses(terraform: World) -> None:
    terraform.commit({"svc/main.tf": BASE})
    report = run(terraform, refuse_no_backend=True)
    assert report["result"] == "failed"
    assert 'Add `terraform { backend "..." {} }`' in report["error"]


def test_a_committed_lock_file_is_respected(terraform: World) -> None:
    """A provider that the lock file does not name is refused; init alone never starts it, so any file will do."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    provider = terraform.folder / "mirror" / "example.invalid" / "a" / "b" / "1.0.0"
    binary = provider / f"{os.uname().sysname.lower()}_{machine}" / "terraform-provider-b_v1.0.0"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    config = terraform.folder / "terraformrc"
    mirror = f'filesystem_mirror {{\n path = "{terraform.folder / "mirror"}"\n }}'
    config.write_text(f"provider_installation {{\n {mirror}\n}}\n")
    needs = 'terraform {\n  required_providers {\n    b = { source = "example.invalid/a/b" }\n  }\n}\n'
    terraform.commit({"svc/main.tf": BASE, "svc/more.tf": needs})

    def plan() -> dict[str, Any]:
        attempt = terraform.attempt(tool="terraform", kind="plan")
        attempt.environment["TF_CLI_CONFIG_FILE"] = str(config)
        return attempt.run()

    assert "terraform plan failed" in plan()["error"]  # past init: no such provider can really be started
    terraform.commit({"svc/.terraform.lock.hcl": "# nothing is locked\n"})
    report = plan()
    assert "terraform init failed" in report["error"]
    assert "lockfile=readonly" in report["error"]


class Refusing(BaseHTTPRequestHandler):
    """A state store that has nothing and takes nothing."""

    def do_GET(self) -> None:
        self.send_error(404)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


def test_a_state_that_cannot_be_saved_is_kept(terraform: World) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as store:
        threading.Thread(target=store.serve_forever, daemon=True).start()
        where = f'address = "http://127.0.0.1:{store.server_port}/state"\n    retry_max = 0'
        backend = f'terraform {{\n  backend "http" {{\n    {where}\n  }}\n}}\n'
        terraform.commit({"svc/main.tf": f'{backend}resource "terraform_data" "a" {{}}\n'})
        attempt = terraform.attempt(tool="terraform")
        attempt.start()
        assert attempt.wait() == 0
        store.shutdown()
    report = attempt.report
    assert (report["result"], report["applied"]) == ("failed", True)
    kept = attempt.folder / "errored.tfstate"
    assert str(kept) in report["error"]
    assert json.loads(kept.read_text())["resources"][0]["name"] == "a"


def test_mistakes_in_the_code_are_told_in_terraforms_words(terraform: World) -> None:
    terraform.commit({"svc/main.tf": 'resource "terraform_data" "a" { input = var.nowhere }\n'})
    report = run(terraform)
    assert report["result"] == "failed"
    assert "terraform plan failed (exit code 1)" in report["error"]
    assert "Reference to undeclared input variable" in report["error"]
    terraform.commit({"empty/README": ""})
    assert "There are no terraform files in 'empty'" in run(terraform, path="empty")["error"]


def test_a_version_that_is_not_there_is_told_with_those_that_are(terraform: World) -> None:
    terraform.commit({"svc/main.tf": BASE})
    report = run(terraform, version="0.12.31")
    assert report["result"] == "failed"
    assert "terraform 0.12.31 is asked for; found here: 1." in report["error"]
    assert run(terraform, kind="plan", version=">= 1.5")["result"] == "succeeded"
    assert run(terraform, kind="plan", version="latest")["result"] == "succeeded"
    assert "is not a version" in run(terraform, version="newest")["error"]


def test_lists_and_maps_reach_terraform_as_they_are(terraform: World) -> None:
    text = """
variable "list" { type = list(string) }
variable "map" { type = map(any) }
variable "text" {}
variable "flag" { type = bool }
variable "none" { default = "own default" }
output "all" { value = [var.list, var.map, var.text, var.flag, var.none] }
"""
    terraform.commit({"svc/main.tf": text})
    values = {
        "list": ["${x}", 'say "hi"', "%{y}"],
        "map": {"a": "1", "ü": "2"},
        "text": "${as} it is",
        "flag": True,
        "none": None,
    }
    attempt = terraform.attempt(
        tool="terraform", variables=[{"name": name, "value": value} for name, value in values.items()]
    )
    expected = [*list(values.values())[:4], "own default"]
    assert attempt.run()["outputs"]["all"] == {"value": expected, "sensitive": False}


def test_what_steers_terraform_from_outside_is_dropped(terraform: World) -> None:
    terraform.commit({"svc/main.tf": BASE})
    attempt = terraform.attempt(tool="terraform", kind="plan")
    attempt.environment |= {
        "TF_CLI_ARGS_plan": "-destroy",
        "TF_WORKSPACE": "nowhere",
        "TF_DATA_DIR": "/nowhere",
        "TF_VAR_size": "77",
        "TF_CLI_CONFIG_FILE": "/nowhere/terraformrc",
        "TF_LOG": "trace",
    }
    report = attempt.run()
    assert (report["result"], report["plan"]["add"]) == ("succeeded", 1)
    assert "77" not in report["plan"]["text"]
    assert "terraformrc" not in attempt.log
    assert "[TRACE]" not in attempt.log


def test_an_override_file_of_the_repository_is_left_alone(terraform: World) -> None:
    link = terraform.repo / "svc" / "headwater_override.tf.json"
    link.parent.mkdir()
    link.symlink_to("../target")
    terraform.commit({"svc/main.tf": BASE, "target": "{}"})
    assert run(terraform)["result"] == "succeeded"
    assert (terraform.folder / "states" / "svc.tfstate").exists()


def test_a_state_lock_that_somebody_left_is_freed(terraform: World) -> None:
    with state_store() as store:
        terraform.commit({"svc/main.tf": f'{store.backend}resource "terraform_data" "a" {{}}\n'})
        store.leave_locked("5b0e7c1a", "ada@laptop")
        stopped = terraform.attempt(tool="terraform").run()
        assert (stopped["result"], stopped["applied"]) == ("failed", False)
        assert "5b0e7c1a" in stopped["error"]
        report = terraform.attempt(tool="terraform", kind="unlock", state_lock="5b0e7c1a").run()
        assert (report["result"], report["plan"], report["applied"]) == ("succeeded", None, False)
        assert store.lock is None
        assert terraform.attempt(tool="terraform").run()["result"] == "succeeded"


def test_a_state_lock_is_waited_for(terraform: World) -> None:
    mark, go = terraform.folder / "mark", terraform.folder / "go"
    wait = f"while [ ! -e {go} ]; do sleep 0.1; done"
    terraform.commit({"svc/main.tf": SLEEPER.replace("MARK", str(mark)).replace("sleep 30", wait)})
    first = terraform.attempt(tool="terraform")
    first.start()
    first.tool_runs(mark)
    assert terraform.attempt(tool="terraform", kind="plan").run()["result"] in ("succeeded", "no changes")
    hasty = terraform.attempt(tool="terraform").run()
    assert hasty["result"] == "failed"
    assert "state lock" in hasty["error"]
    threading.Timer(2.0, go.touch).start()
    patient = terraform.attempt(tool="terraform", lock_timeout=60).run()
    assert patient["result"] == "no changes"
    assert first.wait() == 0


def test_the_plan_of_parallel_attempts_is_their_own(terraform: World) -> None:
    terraform.commit({"svc/main.tf": BASE})
    attempts = [
        terraform.attempt(tool="terraform", state_file=str(terraform.folder / f"{number}.tfstate"))
        for number in range(3)
    ]
    for attempt in attempts:
        attempt.start()
    assert [attempt.wait() for attempt in attempts] == [0, 0, 0]
    assert {attempt.report["result"] for attempt in attempts} == {"succeeded"}


def test_a_killed_terraform_leaves_nothing_running_and_the_next_attempt_goes_on(terraform: World) -> None:
    mark = terraform.folder / "mark"
    terraform.commit({"svc/main.tf": SLEEPER.replace("MARK", str(mark))})
    attempt = terraform.attempt(tool="terraform")
    attempt.start()
    attempt.tool_runs(mark)
    channel.ask_stop(attempt.folder, kill=True)
    assert attempt.wait() == 0
    assert attempt.report["result"] == "cancelled"
    assert not channel.still_locked(attempt.folder)
    terraform.commit({"svc/main.tf": SLEEPER.replace("MARK", str(mark)).replace("sleep 30", "true")})
    assert terraform.attempt(tool="terraform").run()["result"] == "succeeded"
