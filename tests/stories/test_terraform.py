"""Stories with real Terraform: what is shown is what is applied, outputs reach downstream, secrets stay hidden."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stories.world import World

CANARY = "canary-7f3a9c2e51"


@pytest.fixture
def shop(make_world: Callable[..., World]) -> World:
    """A world without environments of its own: each story writes its files."""
    return make_world({})


def write(world: World, workflow: str, **modules: str) -> str:
    """Commit a workflow file and a main.tf for each module."""
    files = {f"{name}/main.tf": text for name, text in modules.items()}
    return world.commit({"headwater.yml": f"name: world\n{workflow}", **files})


def deployed(world: World, *options: str) -> None:
    answer = world.headwater("deploy", "--auto-approve", *options)
    assert answer.code == 0, answer


def codes(world: World) -> dict[str, str]:
    """The newest deployment's environments and why each is where it is."""
    newest = world.headwater("history", "-n", "1", "--json").json["deployments"][0]["id"]
    shown = world.headwater("show", str(newest), "--json").json
    return {one["alias"]: one["code"] for one in shown["environments"]}


TWO = """environments:
  vpc:
    vcs: {type: terraform, path: vpc}
  app:
    vcs: {type: terraform, path: app}
    variables: {vpc_id: "${environments.vpc.outputs.id}"}
"""
VPC = 'resource "terraform_data" "it" {{ input = "{cidr}" }}\noutput "id" {{ value = "vpc-{cidr}" }}\n'
APP = 'variable "vpc_id" { type = string }\nresource "terraform_data" "it" { input = var.vpc_id }\n'


def test_first_deploy_plans_what_waited_for_an_output_and_creates_it(shop: World) -> None:
    write(shop, TWO, vpc=VPC.format(cidr="a"), app=APP)
    answer = shop.headwater("plan")
    assert "after vpc" in answer.out
    answer = shop.headwater("deploy", input="y\n")
    assert answer.code == 0, answer
    assert set(codes(shop).values()) == {"done"}


def test_first_deploy_can_wait_for_approval(shop: World) -> None:
    write(shop, "firstDeploy: approve\n" + TWO, vpc=VPC.format(cidr="a"), app=APP)
    answer = shop.headwater("deploy", input="y\n")
    assert answer.code == 3, answer
    assert codes(shop) == {"vpc": "done", "app": "plan-differs"}
    assert shop.headwater("approve", "app").code == 0


def test_an_update_downstream_of_a_changing_output_goes_on_unseen(shop: World) -> None:
    write(shop, TWO, vpc=VPC.format(cidr="a"), app=APP)
    deployed(shop)
    write(shop, TWO, vpc=VPC.format(cidr="b"))
    answer = shop.headwater("deploy", input="y\n")
    assert "planned with the outputs that vpc has now" in answer.out
    assert answer.code == 0, answer
    assert codes(shop) == {"vpc": "done", "app": "done"}


def test_a_replacement_downstream_that_nobody_saw_waits(shop: World) -> None:
    replaced = 'variable "vpc_id" { type = string }\nresource "terraform_data" "it" { triggers_replace = var.vpc_id }\n'
    write(shop, TWO, vpc=VPC.format(cidr="a"), app=replaced)
    deployed(shop)
    write(shop, TWO, vpc=VPC.format(cidr="b"))
    answer = shop.headwater("deploy", input="y\n")
    assert answer.code == 3, answer
    assert codes(shop) == {"vpc": "done", "app": "plan-differs"}
    assert shop.headwater("approve", "app").code == 0


def test_downstream_approve_makes_every_difference_wait(shop: World) -> None:
    write(shop, "downstream: approve\n" + TWO, vpc=VPC.format(cidr="a"), app=APP)
    deployed(shop)
    write(shop, "downstream: approve\n" + TWO, vpc=VPC.format(cidr="b"))
    assert shop.headwater("deploy", input="y\n").code == 3


LATER = """environments:
  slow:
    vcs: {type: script, path: envs/slow}
  app:
    vcs: {type: terraform, path: app}
    needs: [slow]
"""
TIMED = 'resource "terraform_data" "it" { input = plantimestamp() }\n'


@pytest.fixture
def later(make_world: Callable[..., World]) -> World:
    """A world where an upstream takes more than a second, so that what is planned after it has another time."""
    world = make_world({"slow": ()})
    world.tell("slow", "apply", "sleep", "1.2")
    return world


def test_an_approval_covers_later_differences_at_the_same_attributes(later: World) -> None:
    """plantimestamp() would else never end."""
    write(later, LATER, app=TIMED)
    answer = later.headwater("deploy", input="y\n")
    assert answer.code == 3, answer
    assert codes(later) == {"slow": "done", "app": "plan-differs"}
    answer = later.headwater("approve", "app")
    assert answer.code == 0, answer
    assert codes(later) == {"slow": "done", "app": "done"}


def test_ignored_differences_are_shown_and_not_compared(later: World) -> None:
    write(later, LATER + "    ignoreDifferences: [terraform_data.it.input, terraform_data.it.output]\n", app=TIMED)
    answer = later.headwater("deploy", input="y\n")
    assert answer.code == 0, answer
    assert "terraform_data.it" in answer.out


SECRET = """environments:
  db:
    vcs: {type: terraform, path: db}
    variables:
      password: {sensitive: true, fromSecret: DB_PASSWORD}
"""
DB = (
    'variable "password" {\n  type = string\n  sensitive = true\n}\n'
    'resource "terraform_data" "it" {\n  input = var.password\n'
    '  provisioner "local-exec" { command = "echo password is $PASSWORD; env | grep -i ^password" }\n}\n'
    'output "password" {\n  value = var.password\n  sensitive = true\n}\n'
)


def test_a_secret_reaches_the_deploy_and_nothing_that_people_see(shop: World) -> None:
    write(shop, SECRET, db=DB)
    secret = {"DB_PASSWORD": CANARY}
    planned = shop.headwater("plan", env=secret)
    assert "planned at deploy (needs password)" in planned.out
    answer = shop.headwater("deploy", "--auto-approve", env=secret)
    assert answer.code == 0, answer
    answers = [
        planned,
        answer,
        shop.headwater("logs", "db"),
        shop.headwater("show", "2"),
        shop.headwater("show", "2", "--json"),
        shop.headwater("outputs", "--json"),
        shop.headwater("variables", "db"),
        shop.headwater("status", "--json"),
        shop.headwater("explain", "db"),
    ]
    for one in answers:
        assert CANARY not in one.out + one.err
    assert shop.headwater("outputs", "--json").json == {"db": {"password": None}}
    assert _files_with(shop.state, CANARY) == [Path("states")]  # Terraform's own state, which is the user's


def test_a_plan_that_lacks_a_secret_waits_with_what_the_deploy_finds(shop: World) -> None:
    write(shop, SECRET, db=DB)
    secret = {"DB_PASSWORD": CANARY}
    answer = shop.headwater("deploy", input="y\n", env=secret)
    assert answer.code == 3, answer
    assert shop.headwater("approve", "db", env=secret).code == 0


def test_a_missing_secret_is_told_by_name(shop: World) -> None:
    write(shop, SECRET, db=DB)
    answer = shop.headwater("deploy", "--auto-approve")
    assert answer.code == 2, answer
    assert "DB_PASSWORD (db: password)" in answer.err
    assert shop.states() == {"db": "not deployed"}


def _files_with(folder: Path, text: str) -> list[Path]:
    """The first folders or files below `folder` that hold this text readably."""
    found = {
        path.relative_to(folder).parts[0]
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and text.encode() in path.read_bytes()
    }
    return [Path(one) for one in sorted(found)]


def test_lists_and_maps_reach_terraform_as_they_are(shop: World) -> None:
    workflow = """environments:
  app:
    vcs: {type: terraform, path: app}
    variables: {zones: [a, b], tags: {team: shop}, count_of: 3}
"""
    module = (
        'variable "zones" { type = list(string) }\nvariable "tags" { type = map(string) }\n'
        'variable "count_of" { type = number }\n'
        'output "all" { value = jsonencode([var.zones, var.tags, var.count_of]) }\n'
    )
    write(shop, workflow, app=module)
    deployed(shop)
    assert json.loads(shop.headwater("outputs", "--json").json["app"]["all"]) == [["a", "b"], {"team": "shop"}, 3]


def test_state_is_kept_apart_by_environment_and_never_in_a_checkout(shop: World) -> None:
    workflow = """environments:
  one:
    vcs: {type: terraform, path: app}
    workspace: one
  two:
    vcs: {type: terraform, path: app}
    workspace: two
"""
    write(
        shop,
        workflow,
        app='resource "terraform_data" "it" { input = terraform.workspace }\noutput "it" { value = terraform_data.it.output }\n',
    )
    deployed(shop)
    found = shop.headwater("outputs", "--json").json
    assert found == {"one": {"it": "one"}, "two": {"it": "two"}}
    assert shop.git("status", "--porcelain", "--ignored") == ""
    assert shop.headwater("deploy").out.count("no changes") >= 2


def test_a_version_that_is_not_there_is_told(shop: World) -> None:
    write(shop, "environments:\n  app:\n    vcs: {type: terraform, path: app, terraformVersion: 0.12.1}\n", app=APP)
    answer = shop.headwater("plan")
    assert answer.code == 1, answer
    assert "0.12.1" in answer.out


def test_a_failed_apply_shows_the_tools_last_words_and_retry_goes_on(shop: World) -> None:
    module = (
        'resource "terraform_data" "first" { input = 1 }\n'
        'resource "terraform_data" "second" {\n  depends_on = [terraform_data.first]\n'
        '  provisioner "local-exec" { command = "test -e $WORLD/mended" }\n}\n'
    )
    write(shop, "environments:\n  app:\n    vcs: {type: terraform, path: app}\n", app=module)
    answer = shop.headwater("deploy", "--auto-approve")
    assert answer.code == 1, answer
    assert "local-exec provisioner error" in answer.out
    (shop.folder / "mended").touch()
    answer = shop.headwater("retry", "--auto-approve")
    assert answer.code == 0, answer
    assert shop.status()["status"] == "Active"
