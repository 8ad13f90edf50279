"""What is deployed when things change: parts, removed and moved environments, disabled ones, adoption, kept values."""

from __future__ import annotations

import pytest

from tests.stories.conftest import MakeWorld
from tests.stories.world import CHAIN, DIAMOND, World

VARIABLES = {"b": "variables: {SIZE: small}"}
SHOWS_SIZE = '#!/bin/sh\n[ "$(cat "$WORLD/have/b" 2>/dev/null)" = "$SIZE" ] && exit 0\necho "size $SIZE"\nexit 2\n'
KEEPS_SIZE = '#!/bin/sh\necho "$SIZE" > "$WORLD/have/b"\n'


def test_nothing_changed_starts_nothing(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    world.deployed()
    before = len(world.spans("apply"))
    answer = world.headwater("deploy")
    assert answer.code == 0, answer
    assert "No changes." in answer.out
    assert len(world.spans("apply")) == before


def test_last_deployed_moves_on_without_a_job(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.deployed()
    head = world.commit({"README.md": "words\n"})
    world.headwater("deploy")
    assert {one["commit"] for one in world.status()["environments"]} == {head}


def test_since_deployed_takes_what_changed_and_its_downstream(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    world.deployed()
    world.want("db", "db-2")
    answer = world.headwater("deploy", "--since-deployed", "--auto-approve")
    assert answer.code == 0, answer
    assert world.applied()[4:] == ["db"]
    assert [one["alias"] for one in world.headwater("show", "4", "--json").json["environments"]] == ["db", "app"]


def test_a_failure_is_deployed_again_once_mended_in_git(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    world.tell("db", "apply", "fail")
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 1, answer
    assert world.states() == {"net": "deployed", "db": "failed", "eks": "deployed", "app": "blocked"}
    world.let_go("db", "apply", "fail")
    world.want("db", "db-mended")
    answer = world.headwater("deploy", "--since-deployed", "--auto-approve")
    assert answer.code == 0, answer
    assert world.applied() == ["net", "eks", "db", "app"]
    assert world.have()["db"] == "db-mended"


def test_retry_keeps_the_commit(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.tell("b", "apply", "fail")
    world.headwater("deploy", "--auto-approve")
    world.let_go("b", "apply", "fail")
    world.want("b", "b-later")
    answer = world.headwater("retry", "--auto-approve")
    assert answer.code == 0, answer
    assert world.applied() == ["a", "b", "c"]
    assert world.have()["b"] == "b-1"


def test_only_deploys_that_one(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    world.deployed()
    for alias in ("db", "app"):
        world.want(alias, f"{alias}-2")
    assert world.headwater("deploy", "db", "--only", "--auto-approve").code == 0
    assert world.have() == {"net": "net-1", "db": "db-2", "eks": "eks-1", "app": "app-1"}


def test_from_brings_the_unaffected_downstream(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    world.deployed()
    answer = world.headwater("plan", "--from", "db")
    assert answer.code == 0, answer
    shown = world.headwater("history", "--plans", "--json").json["deployments"][0]
    plan = world.headwater("show", str(shown["id"]), "--json").json
    assert [one["alias"] for one in plan["environments"]] == ["db", "app"]


def test_an_upstream_that_was_never_deployed_refuses(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    answer = world.headwater("deploy", "c", "--auto-approve")
    assert answer.code == 2, answer
    assert "'a'" in answer.err and "'b'" in answer.err
    assert world.applied() == []


def test_an_unknown_alias_is_told_with_the_nearest(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    answer = world.headwater("deploy", "dbb")
    assert answer.code == 2, answer
    assert "did you mean 'db'?" in answer.err


def test_removed_environments_are_forgotten_loudly(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.deployed()
    world.define({"a": (), "b": ("a",)})
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 0, answer
    assert "c is gone from headwater.yml: it will be forgotten" in answer.out
    assert world.have()["c"] == "c-1"
    assert list(world.states()) == ["a", "b"]


def test_removed_environments_are_destroyed_after_approval_where_the_file_says_so(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, top="settings: {environmentRemovalStrategy: destroy}")
    world.deployed()
    world.define({"a": ()}, top="settings: {environmentRemovalStrategy: destroy}")
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 3, answer
    assert world.have() == {"a": "a-1", "b": "b-1", "c": "c-1"}
    assert world.states() == {"a": "deployed", "b": "in progress", "c": "needs approval"}
    assert world.headwater("approve", "c").code == 3
    assert world.have() == {"a": "a-1", "b": "b-1"}
    assert world.headwater("approve", "b").code == 0
    assert world.have() == {"a": "a-1"}
    assert world.status()["status"] == "Active"


def test_a_rename_never_destroys(make_world: MakeWorld) -> None:
    """Alias and path both changed: it may be a rename that the file does not tell."""
    world = make_world(CHAIN, top="settings: {environmentRemovalStrategy: destroy}")
    world.deployed()
    world.define({"a": (), "b": ("a",), "z": ("b",)}, top="settings: {environmentRemovalStrategy: destroy}")
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 0, answer
    assert "movedFrom: c" in answer.out
    assert world.have() == {"a": "a-1", "b": "b-1", "c": "c-1", "z": "z-1"}


def test_an_alias_that_changed_keeps_its_history(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.deployed()
    text = (world.repository / "headwater.yml").read_text().replace("  c:\n", "  gamma:\n")
    world.commit({"headwater.yml": text})
    assert world.headwater("plan").out.count("c is now gamma") == 1
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 0, answer
    assert world.applied() == ["a", "b", "c"]
    assert list(world.states()) == ["a", "b", "gamma"]
    assert world.states()["gamma"] == "deployed"


def test_moved_from_tells_a_rename_with_another_path(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, top="settings: {environmentRemovalStrategy: destroy}")
    world.deployed()
    world.define(
        {"a": (), "b": ("a",), "z": ("b",)},
        {"z": "movedFrom: c"},
        top="settings: {environmentRemovalStrategy: destroy}",
    )
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 0, answer
    assert "c is now z" in answer.out
    assert list(world.states()) == ["a", "b", "z"]
    assert world.have()["c"] == "c-1"


def test_the_order_passes_through_a_disabled_environment(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "disabled: true"})
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 0, answer
    assert world.applied() == ["a", "c"]
    status = world.status()
    assert (status["status"], status["partial"], status["deployed"], status["of"]) == ("Active", True, 2, 3)


def test_disabled_may_come_from_a_variable(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "disabled: ${OFF}"}, top="variables: {OFF: 'yes'}")
    assert world.headwater("deploy", "--auto-approve", "-v", "OFF=no").code == 0
    assert world.applied() == ["a", "b", "c"]


def test_an_undefined_variable_stops_before_anything_starts(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "workspace: ${NOWHERE}"})
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 2, answer
    assert "NOWHERE" in answer.err
    assert world.tool_log() == []


def test_adoption_records_what_has_no_changes_and_lists_the_rest(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    for alias in ("a", "c"):
        (world.folder / "have" / alias).write_text(f"{alias}-1\n")
    answer = world.headwater("adopt")
    assert answer.code == 0, answer
    assert "Not adopted, since a deploy would change them: b" in answer.out
    assert world.applied() == []
    assert world.states() == {"a": "deployed", "b": "not deployed", "c": "deployed"}
    assert world.headwater("outputs", "a", "--json").json == {"a": {"value": "a-1"}}


def test_given_values_are_kept_once_applied_and_forgotten_on_request(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, VARIABLES)
    world.commit({"envs/b/plan": SHOWS_SIZE, "envs/b/apply": KEEPS_SIZE})
    world.headwater("plan", "-v", "SIZE=huge")
    world.deployed()
    assert world.have()["b"] == "small"
    assert world.headwater("deploy", "-v", "SIZE=large", "--auto-approve").code == 0
    assert world.have()["b"] == "large"
    answer = world.headwater("deploy", "--auto-approve")
    assert "kept values beat the files: SIZE" in answer.out
    assert world.have()["b"] == "large"
    found = world.headwater("variables", "b", "--json").json["variables"]
    assert [(one["name"], one["value"], one["origin"]) for one in found] == [("SIZE", "large", "kept (workflow)")]
    assert world.headwater("deploy", "--forget", "SIZE", "--auto-approve").code == 0
    assert world.have()["b"] == "small"


def test_given_values_are_kept_also_where_several_environments_begin_at_once(make_world: MakeWorld) -> None:
    world = make_world({"a": (), "b": (), "c": ()}, VARIABLES)
    assert world.headwater("deploy", "-v", "SIZE=large", "--auto-approve").code == 0
    found = world.headwater("variables", "b", "--json").json["variables"]
    assert [(one["name"], one["value"], one["origin"]) for one in found] == [("SIZE", "large", "kept (workflow)")]


def test_a_value_given_to_one_environment_alone_is_kept_for_that_one(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, VARIABLES)
    world.commit({"envs/b/plan": SHOWS_SIZE, "envs/b/apply": KEEPS_SIZE})
    world.deployed()
    assert world.headwater("deploy", "b", "--only", "-v", "SIZE=large", "--auto-approve").code == 0
    found = world.headwater("variables", "b", "--json").json["variables"]
    assert [one["origin"] for one in found] == ["kept (environment)"]
    assert world.headwater("variables", "c", "--json").json["variables"] == []


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "TF_CLI_ARGS_apply", "GIT_DIR"])
def test_names_that_steer_a_tool_are_refused(make_world: MakeWorld, name: str) -> None:
    world = make_world(CHAIN)
    answer = world.headwater("deploy", "-v", f"{name}=x", "--auto-approve")
    assert answer.code == 2, answer
    assert name in answer.err
    assert world.tool_log() == []


def test_uncommitted_files_are_deployed_only_on_request(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.deployed()
    (world.repository / "envs/b/want").write_text("b-draft\n")
    world.headwater("deploy", "--auto-approve")
    assert world.have()["b"] == "b-1"
    answer = world.headwater("deploy", "--work-tree", "--auto-approve")
    assert answer.code == 0, answer
    assert "with uncommitted files" in answer.out
    assert world.have()["b"] == "b-draft"
    assert world.git("status", "--porcelain") == "M envs/b/want"


def test_destroy_goes_downstream_first_and_ends_inactive(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    world.deployed()
    answer = world.headwater("destroy", input="y\n")
    assert answer.code == 0, answer
    destroyed = [span.alias for span in sorted(world.spans("destroy"), key=lambda span: span.start)]
    assert destroyed[0] == "app" and destroyed[-1] == "net"
    assert world.have() == {}
    assert world.status()["status"] == "Inactive"
    assert set(world.states().values()) == {"destroyed"}


def test_what_is_still_needed_is_not_destroyed_alone(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    world.deployed()
    answer = world.headwater("destroy", "net", "--auto-approve")
    assert answer.code == 2, answer
    assert all(alias in answer.err for alias in ("'db'", "'eks'", "'app'"))
    assert world.headwater("destroy", "--from", "db", "--auto-approve").code == 0
    assert world.have() == {"net": "net-1", "eks": "eks-1"}


def test_detailed_exitcode_is_as_terraform_has_it(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    assert world.headwater("plan", "--detailed-exitcode").code == 2
    world.deployed()
    assert world.headwater("plan", "--detailed-exitcode").code == 0
    world.tell("b", "plan", "fail")
    assert world.headwater("plan", "--detailed-exitcode").code == 1


def test_a_plan_that_fails_deploys_nothing(make_world: MakeWorld) -> None:
    world = make_world(DIAMOND)
    world.deployed()
    world.want("net", "net-2")
    world.tell("net", "plan", "fail")
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 1, answer
    assert "net could not be planned" in answer.out
    assert len(world.applied()) == 4


def test_an_alias_of_two_workflows_is_refused_with_the_list(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.commit({"other/headwater.yml": "name: other\nenvironments:\n  a:\n    vcs: {type: script, path: envs/b}\n"})
    answer = world.headwater("plan", "a")
    assert answer.code == 2, answer
    assert "other, world" in answer.err and "--workflow" in answer.err
    assert world.headwater("plan", "a", "--workflow", "other").code == 0


def test_tools_without_support_are_told_before_anything_starts(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    text = (
        (world.repository / "headwater.yml")
        .read_text()
        .replace("type: script, path: envs/c", "type: helm, path: envs/c")
    )
    world.commit({"headwater.yml": text})
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 2, answer
    assert "'c' (helm)" in answer.err and "terraform, opentofu, script" in answer.err
    assert world.tool_log() == []


def test_a_plan_after_a_rename_reads_the_outputs_under_the_new_name(make_world: MakeWorld) -> None:
    reads = {"b": "variables: {FROM: '${environments.a.outputs.value}'}"}
    world = make_world({"a": (), "b": ("a",)}, reads)
    world.deployed()
    text = (world.repository / "headwater.yml").read_text()
    renamed = (
        text.replace("  a:\n", "  alpha:\n")
        .replace("needs: [a]", "needs: [alpha]")
        .replace("environments.a.", "environments.alpha.")
    )
    world.commit({"headwater.yml": renamed})
    answer = world.headwater("plan")
    assert answer.code == 0, answer
    assert "a is now alpha" in answer.out
    assert "after alpha" not in answer.out


def test_what_only_half_exists_is_destroyed_too_once_removed(make_world: MakeWorld) -> None:
    top = "settings: {environmentRemovalStrategy: destroy}"
    world = make_world(CHAIN, top=top)
    world.tell("c", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve").code == 1
    world.define({"a": (), "b": ("a",)}, top=top)
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 3, answer
    assert world.headwater("approve", "c").code == 0
    assert [span.alias for span in world.spans("destroy")] == ["c"]


def test_steps_are_refused_rather_than_left_out(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "steps: {plan: {before: [echo hello]}}"})
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 2, answer
    assert "`steps` are not run yet" in answer.err
    assert world.tool_log() == []


def test_a_retry_keeps_values_for_whom_they_were_given(make_world: MakeWorld) -> None:
    world = make_world(CHAIN)
    world.tell("b", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve", "-v", "SIZE=large").code == 1
    world.let_go("b", "apply", "fail")
    assert world.headwater("retry", "--auto-approve").code == 0
    found = world.headwater("variables", "b", "--json").json["variables"]
    assert [(one["name"], one["origin"], one["overrides"]) for one in found] == [("SIZE", "kept (workflow)", [])]


def test_a_retry_tries_removals_again_as_removals_and_destroys_nothing_else(make_world: MakeWorld) -> None:
    top = "settings: {environmentRemovalStrategy: destroy}"
    world = make_world({"a": (), "b": (), "c": ()}, top=top)
    world.deployed()
    world.define({"b": (), "c": ()}, top=top)
    world.commit({"envs/b/want": "b-2\n"})
    world.tell("a", "destroy", "fail")
    world.tell("b", "apply", "fail")
    world.headwater("deploy", "--auto-approve")
    assert world.headwater("approve", "a").code == 1
    assert world.have() == {"a": "a-1", "b": "b-1", "c": "c-1"}
    world.let_go("b", "apply", "fail")
    world.let_go("a", "destroy", "fail")
    answer = world.headwater("retry", "--auto-approve")
    assert answer.code == 3, answer  # a removal asks again
    assert world.have() == {"a": "a-1", "b": "b-2", "c": "c-1"}
    assert world.headwater("approve", "a").code == 0
    assert world.have() == {"b": "b-2", "c": "c-1"}


def test_a_removal_alone_can_be_tried_again(make_world: MakeWorld) -> None:
    top = "settings: {environmentRemovalStrategy: destroy}"
    world = make_world({"a": (), "b": ()}, top=top)
    world.deployed()
    world.define({"b": ()}, top=top)
    world.tell("a", "destroy", "fail")
    world.headwater("deploy", "--auto-approve")
    assert world.headwater("approve", "a").code == 1
    world.let_go("a", "destroy", "fail")
    world.commit({"envs/b/want": "b-2\n"})
    answer = world.headwater("retry", "--auto-approve")
    assert answer.code == 3, answer
    assert world.headwater("approve", "a").code == 0
    assert world.have() == {"b": "b-1"}


def test_retry_keeps_to_the_workflow_that_is_named(make_world: MakeWorld) -> None:
    world = make_world({"a": (), "b": ()})
    for name, alias in (("headwater.yml", "a"), ("other/headwater.yml", "b")):
        world.commit(
            {name: f"name: of-{alias}\nenvironments:\n  {alias}:\n    vcs: {{type: script, path: envs/{alias}}}\n"}
        )
        world.tell(alias, "apply", "fail")
    assert world.headwater("deploy", "--auto-approve").code == 1
    for alias in ("a", "b"):
        world.let_go(alias, "apply", "fail")
    answer = world.headwater("retry", "--auto-approve", "--workflow", "of-b")
    assert answer.code == 0, answer
    assert world.have() == {"b": "b-1"}


def move_file(world: World) -> str:
    """Give the workflow file another folder, and deploy b alone from there; the file's text."""
    text = (world.repository / "headwater.yml").read_text()
    world.commit({"headwater.yml": None, "infra/headwater.yml": text, "envs/b/want": "b-2\n"})
    assert world.headwater("deploy", "b", "--only", "--auto-approve").code == 0
    return text


def test_what_was_deployed_under_another_file_name_is_destroyed_once_removed(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, top="settings: {environmentRemovalStrategy: destroy}").deployed()
    text = move_file(world)
    world.commit({"infra/headwater.yml": text[: text.index("  c:")]})
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 3, answer
    assert world.headwater("approve", "c").code == 0
    assert world.have() == {"a": "a-1", "b": "b-2"}


def test_a_retry_finds_the_file_by_the_name_that_it_had(make_world: MakeWorld) -> None:
    world = make_world({"a": (), "b": ()})
    world.tell("a", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve").code == 1
    move_file(world)
    world.let_go("a", "apply", "fail")
    answer = world.headwater("retry", "--auto-approve")
    assert answer.code == 0, answer
    assert world.have() == {"a": "a-1", "b": "b-2"}


def test_a_removal_that_cannot_be_planned_is_told(make_world: MakeWorld) -> None:
    top = "settings: {environmentRemovalStrategy: destroy}"
    world = make_world({"a": (), "b": ()}, top=top)
    world.commit({"envs/a/plan-destroy": "#!/bin/sh\nexit 1\n"})
    world.deployed()
    world.define({"b": ()}, top=top)
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 1, answer
    assert "a could not be planned" in answer.out


def test_a_retry_finds_what_was_renamed_since(make_world: MakeWorld) -> None:
    world = make_world({"a": (), "b": ()})
    world.tell("b", "apply", "fail")
    assert world.headwater("deploy", "--auto-approve").code == 1
    text = (world.repository / "headwater.yml").read_text()
    world.commit({"headwater.yml": text.replace("  b:\n", "  beta:\n")})
    assert world.headwater("deploy", "a", "--only", "--auto-approve").code == 0
    assert world.states() == {"a": "deployed", "beta": "failed"}
    world.let_go("b", "apply", "fail")
    answer = world.headwater("retry", "--auto-approve")
    assert answer.code == 0, answer
    assert world.states() == {"a": "deployed", "beta": "deployed"}
