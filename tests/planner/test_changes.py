"""What counts as changed, told on real repositories."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from planner.problems import DefinitionError
from tests.planner.git_world import GitWorld, shop, workflow


@pytest.fixture
def world(tmp_path: Path) -> GitWorld:
    return shop(tmp_path / "repo")


def test_a_changed_file_affects_its_environment_and_all_downstream(world: GitWorld) -> None:
    world.commit(files={"envs/db/main.tf": "# other\n"})
    assert world.reasons("HEAD~1") == {"db": ["file-changed envs/db/main.tf"], "app": ["upstream-affected db"]}
    found = world.affected("HEAD~1")
    assert (found["db"].changed, found["app"].changed, found["app"].affected) == (True, False, True)
    assert [(one.alias, one.wave) for one in found.values()] == [("db", 1), ("app", 2)]


def test_t9_a_changed_leaf_affects_nothing_upstream_nor_beside(world: GitWorld) -> None:
    world.commit(files={"envs/app/main.tf": "# other\n"})
    assert list(world.reasons("HEAD~1")) == ["app"]


def test_t10_the_merge_base_counts_and_not_the_tip_of_the_base(world: GitWorld) -> None:
    world.git("checkout", "-q", "-b", "topic")
    world.commit(files={"envs/app2/main.tf": "# topic\n"})
    world.git("checkout", "-q", "main")
    world.commit(files={"envs/vpc/main.tf": "# moved on\n"})
    assert list(world.reasons("main", "topic")) == ["app2"]
    assert list(world.reasons("main", "topic", exact=True)) == ["vpc", "db", "app2", "app"]


def test_t11_five_thousand_changed_files(world: GitWorld) -> None:
    world.commit(files={f"envs/db/data/{number}.json": "{}" for number in range(5_100)})
    found = world.affected("HEAD~1")
    assert list(found) == ["db", "app"]
    assert [one.detail for one in found["db"].reasons][-1] == "and 5051 more"
    assert len(found["db"].reasons) == 50


def test_t12_both_sides_of_a_rename_count(world: GitWorld) -> None:
    world.git("mv", "envs/app2/main.tf", "envs/app/extra.tf")
    world.put({"envs/app2/keep.tf": "# keep\n"})
    world.commit()
    assert world.reasons("HEAD~1")["app"] == ["file-changed envs/app/extra.tf"]
    assert world.reasons("HEAD~1")["app2"] == ["file-changed envs/app2/keep.tf", "file-changed envs/app2/main.tf"]


def test_t12_a_deleted_file_a_mode_and_a_link_target_count(world: GitWorld) -> None:
    world.put({"envs/db/old.tf": "x", "envs/app2/run.sh": "x"})
    world.link("envs/vpc/shared", "../app2")
    world.commit()
    world.put({"envs/db/old.tf": None})
    (world.folder / "envs/app2/run.sh").chmod(0o755)
    (world.folder / "envs/vpc/shared").unlink()
    world.link("envs/vpc/shared", "../db")
    world.commit()
    reasons = world.reasons("HEAD~1")
    assert reasons["db"] == ["file-changed envs/db/old.tf"]
    assert reasons["app2"] == ["file-changed envs/app2/run.sh"]
    assert "file-changed envs/vpc/shared" in reasons["vpc"]


def test_t12_a_submodule_that_moves_counts_also_for_what_lies_in_it(world: GitWorld, tmp_path: Path) -> None:
    other = GitWorld(tmp_path / "other")
    other.commit(files={"net/main.tf": "# 1\n"})
    world.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.folder), "vendor/net")
    world.put({"envs/vpc/main.tf": 'module "v" {\n  source = "../../vendor/net/net"\n}\n'})
    world.commit()
    moved = other.commit(files={"net/main.tf": "# 2\n"})
    world.git("-C", "vendor/net", "fetch", "-q")
    world.git("-C", "vendor/net", "checkout", "-q", moved)
    world.commit()
    assert world.reasons("HEAD~1")["vpc"] == ["source-changed vendor/net"]


def test_t12_an_environment_that_is_gone_is_listed_apart(world: GitWorld) -> None:
    world.commit(files={"headwater.yml": workflow(vpc=[], db=["vpc"], app=["db"]), "envs/app2/main.tf": None})
    (found,) = world.workflows("HEAD~1")
    assert found.environments == ()
    assert [(one.alias, one.path) for one in found.removed] == [("app2", "envs/app2")]


def test_a_workflow_file_that_vanished_lists_all_its_environments(world: GitWorld) -> None:
    world.put({"other/headwater.yml": workflow(vpc=[]).replace("vpc:", "side:")})
    world.commit()
    world.commit(files={"other/headwater.yml": None})
    (found,) = world.workflows("HEAD~1")
    assert (found.file, found.name, found.environments) == ("other/headwater.yml", "other", ())
    assert [one.alias for one in found.removed] == ["side"]


def test_local_modules_count_transitively(world: GitWorld) -> None:
    world.commit(files={"modules/inner/main.tf": "# other\n"})
    assert world.reasons("HEAD~1") == {"app": ["source-changed modules/inner/main.tf"]}


def test_a_module_that_is_no_longer_read_counts_by_the_base(world: GitWorld) -> None:
    world.put({"envs/app/main.tf": "# alone\n"})
    world.commit(files={"modules/inner/main.tf": "# other\n"})
    assert world.reasons("HEAD~1")["app"] == ["file-changed envs/app/main.tf", "source-changed modules/inner/main.tf"]


def test_a_module_that_did_not_exist_yet_counts_when_it_comes(world: GitWorld) -> None:
    world.commit(files={"envs/db/main.tf": 'module "m" {\n  source = "../../modules/late"\n}\n'})
    world.commit(files={"modules/late/main.tf": 'module "n" {\n  source = "../later"\n}\n'})
    assert world.reasons("HEAD~1")["db"] == ["source-changed modules/late/main.tf"]
    world.commit(files={"modules/later/main.tf": MODULE_TEXT})
    assert world.reasons("HEAD~1")["db"] == ["source-changed modules/later/main.tf"]


MODULE_TEXT = 'output "x" {\n  value = 1\n}\n'


def test_files_that_code_names_count_relative_to_module_and_root(world: GitWorld) -> None:
    world.put(
        {
            "modules/inner/main.tf": 'locals { a = file("${path.module}/../../data/a.txt")\n b = file("../../data/b.txt") }',
            "data/a.txt": "1",
            "data/b.txt": "1",
            "data/c.txt": "1",
        }
    )
    world.commit()
    world.commit(files={"data/a.txt": "2", "data/b.txt": "2", "data/c.txt": "2"})
    assert world.reasons("HEAD~1") == {"app": ["source-changed data/a.txt", "source-changed data/b.txt"]}


def test_a_fileset_counts_names_and_contents_that_match(world: GitWorld) -> None:
    world.put({"envs/db/main.tf": 'locals { f = fileset("${path.module}/../../policies", "*.json") }\n'})
    world.put({"policies/a.json": "1", "policies/deep/b.json": "1", "policies/a.txt": "1"})
    world.commit()
    world.commit(files={"policies/deep/b.json": "2", "policies/a.txt": "2"})
    assert world.reasons("HEAD~1") == {}
    world.commit(files={"policies/a.json": "2", "policies/new.json": "1"})
    assert world.reasons("HEAD~1")["db"] == ["source-changed policies/a.json", "source-changed policies/new.json"]


def test_tf_json_is_read_as_tf(world: GitWorld) -> None:
    world.commit(files={"envs/db/more.tf.json": '{"module": {"m": {"source": "../../modules/inner"}}}'})
    world.commit(files={"modules/inner/main.tf": "# other\n"})
    assert world.reasons("HEAD~1")["db"] == ["source-changed modules/inner/main.tf"]


def test_tofu_files_are_read_for_opentofu_alone(world: GitWorld) -> None:
    world.put({"envs/db/more.tofu": 'module "m" { source = "../../modules/inner" }'})
    world.put({"envs/app2/more.tofu": 'module "m" { source = "../../modules/inner" }'})
    text = workflow(vpc=[], db=["vpc"], app=["db"], app2=["vpc"])
    world.put({"headwater.yml": text.replace("terraform, path: envs/app2", "opentofu, path: envs/app2")})
    world.commit()
    world.commit(files={"modules/inner/main.tf": "# other\n"})
    assert sorted(world.reasons("HEAD~1")) == ["app", "app2"]


def test_links_are_followed_within_the_repository(world: GitWorld) -> None:
    world.put({"shared/common.tf": 'module "m" { source = "../../modules/inner" }', "shared/sub/x.json": "1"})
    world.link("envs/db/common.tf", "../../shared/common.tf")
    world.link("envs/app2/conf", "../../shared/sub")
    world.link("envs/vpc/away", "/etc")
    world.commit()
    world.commit(files={"shared/common.tf": "# other\n"})
    assert world.reasons("HEAD~1")["db"] == ["source-changed shared/common.tf"]
    world.commit(files={"shared/sub/x.json": "2"})
    assert world.reasons("HEAD~1") == {"app2": ["source-changed shared/sub/x.json"]}


def test_an_environment_behind_a_linked_folder_reads_what_the_link_leads_to(world: GitWorld) -> None:
    world.put({"real/db2/main.tf": 'module "m" { source = "../../modules/inner" }'})
    world.link("envs/db2", "../real/db2")
    world.put({"headwater.yml": workflow(vpc=[], db2=[])})
    world.commit()
    world.commit(files={"real/db2/main.tf": 'module "m" { source = "../../modules/inner" }\n# other'})
    assert list(world.reasons("HEAD~1")) == ["db2"]
    world.commit(files={"modules/inner/main.tf": "# other\n"})
    assert list(world.reasons("HEAD~1")) == ["db2"]


def test_watch_globs(world: GitWorld) -> None:
    text = workflow(vpc=[], db=["vpc"]) + "    watch: ['config/*.yml', 'data/**/*.csv']\n"
    world.put({"headwater.yml": text, "config/a.yml": "1", "config/deep/a.yml": "1", "data/x/y/z.csv": "1"})
    world.commit()
    world.commit(files={"config/deep/a.yml": "2"})
    assert world.reasons("HEAD~1") == {}
    world.commit(files={"config/a.yml": "2", "data/x/y/z.csv": "2", "data/new.csv": "1"})
    assert world.reasons("HEAD~1") == {
        "db": ["watch-matched config/a.yml", "watch-matched data/new.csv", "watch-matched data/x/y/z.csv"]
    }


def test_a_nested_environment_counts_for_both_and_the_root_for_all(world: GitWorld) -> None:
    world.put(
        {
            "headwater.yml": "environments:\n  all: {vcs: {type: terraform, path: .}}\n"
            "  outer: {vcs: {type: terraform, path: envs}}\n  inner: {vcs: {type: terraform, path: envs/db}}\n"
        }
    )
    world.commit()
    world.commit(files={"envs/db/main.tf": "# other\n"})
    assert sorted(world.reasons("HEAD~1")) == ["all", "inner", "outer"]
    world.commit(files={"README.md": "other\n"})
    assert sorted(world.reasons("HEAD~1")) == ["all"]


def test_the_workflow_file_is_no_file_of_an_environment(world: GitWorld) -> None:
    world.put({"headwater.yml": "environments:\n  all: {vcs: {type: terraform, path: .}}\n"})
    world.commit()
    world.commit(files={"headwater.yml": "# a comment\nenvironments:\n  all: {vcs: {type: terraform, path: .}}\n"})
    assert world.reasons("HEAD~1") == {}


BASE_TEXT = """\
variables: {SIZE: small, STAGE: test}
environments:
  vpc:
    vcs: {type: terraform, path: envs/vpc, terraformVersion: 1.5.7}
    variables: {SIZE: large}
  db:
    name: Database
    vcs: {type: terraform, path: envs/db}
    workspace: db-${STAGE}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("1.5.7", "1.10", {"vpc": ["definition-changed version is 1.10, was 1.5.7"]}),
        ("type: terraform, path: envs/db", "type: opentofu, path: envs/db", {"db": ["definition-changed tool is opentofu, was terraform"]}),
        ("path: envs/db", "path: envs/app", {"db": ["definition-changed path is envs/app, was envs/db"]}),
        ("SIZE: small", "SIZE: tiny", {"db": ["variable-changed SIZE"]}),
        ("SIZE: large", "SIZE: huge", {"vpc": ["variable-changed SIZE"]}),
        ("variables: {SIZE: large}", "timeout: 30m", {"vpc": ["variable-changed SIZE"]}),
        (
            "STAGE: test",
            "STAGE: prod",
            {
                "vpc": ["variable-changed STAGE"],
                "db": ["definition-changed workspace is db-prod, was db-test", "variable-changed STAGE"],
            },
        ),
        ("    workspace: db-${STAGE}", "    workspace: db-test", {}),
        ("    workspace: db-${STAGE}", "    workspace: db-test\n    revision: v1", {"db": ["definition-changed revision is v1"]}),
        ("name: Database", "name: Other", {}),
        ("name: Database", "requiresApproval: true", {}),
        ("name: Database", "needs: [vpc]", {}),
        ("name: Database", "runsOn: [big]", {}),
        ("name: Database", "disabled: true", {}),
    ],
)  # fmt: skip
def test_what_of_a_definition_counts(tmp_path: Path, old: str, new: str, expected: dict[str, list[str]]) -> None:
    world = GitWorld(tmp_path / "repo")
    files = {f"envs/{name}/main.tf": "#\n" for name in ("vpc", "db", "app")}
    world.commit(files={"headwater.yml": BASE_TEXT, **files})
    world.commit(files={"headwater.yml": BASE_TEXT.replace(old, new)})
    assert old in BASE_TEXT
    assert world.reasons("HEAD~1") == expected


def test_order_and_comments_of_definitions_do_not_count(world: GitWorld) -> None:
    world.commit(files={"headwater.yml": "# other\n" + workflow(app2=["vpc"], vpc=[], db=["vpc"], app=["db"])})
    assert world.reasons("HEAD~1") == {}


def test_a_shared_variable_of_the_root_file_reaches_other_files_unless_they_override_it(tmp_path: Path) -> None:
    world = GitWorld(tmp_path / "repo")
    one = "environments:\n  {0}: {{vcs: {{type: terraform, path: {0}}}, variables: {{{1}}}}}\n"
    world.put({"a/headwater.yml": one.format("a", ""), "b/headwater.yml": one.format("b", "X: mine")})
    world.commit(files={"headwater.yml": "variables: {X: 1}\n", "a/main.tf": "", "b/main.tf": ""})
    world.commit(files={"headwater.yml": "variables: {X: 2}\n"})
    assert world.reasons("HEAD~1") == {"a": ["variable-changed X"]}


def test_disabled_environments_are_left_out_and_the_order_passes_through(world: GitWorld) -> None:
    text = workflow(vpc=[], db=["vpc"], app=["db"])
    off = text.replace("envs/db}\n", "envs/db}\n    disabled: true\n")
    world.commit(files={"headwater.yml": off})
    world.commit(files={"envs/db/main.tf": "# unseen\n"})
    assert world.reasons("HEAD~1") == {}
    world.commit(files={"envs/vpc/main.tf": "# other\n"})
    assert world.reasons("HEAD~1") == {"vpc": ["file-changed envs/vpc/main.tf"], "app": ["upstream-affected vpc"]}
    world.commit(files={"headwater.yml": text})
    assert world.reasons("HEAD~1") == {
        "db": ["definition-changed it is no longer disabled"],
        "app": ["upstream-affected db"],
    }


def test_an_environment_with_a_revision_is_not_changed_by_this_commits_files(world: GitWorld) -> None:
    world.commit(files={"headwater.yml": workflow(vpc=[], db=["vpc"]) + "    revision: v1\n"})
    world.commit(files={"envs/db/main.tf": "# other\n"})
    assert world.reasons("HEAD~1") == {}


def test_new_ones_say_so_and_affect_what_needs_them(world: GitWorld) -> None:
    world.commit(
        files={
            "headwater.yml": workflow(vpc=[], dns=[], db=["vpc", "dns"], app=["db"], app2=["vpc"]),
            "envs/dns/main.tf": "",
        }
    )
    assert world.reasons("HEAD~1") == {
        "dns": ["new it is new in headwater.yml"],
        "db": ["upstream-affected dns"],
        "app": ["upstream-affected db"],
    }


def test_an_alias_that_changes_only_its_case_is_the_same_environment(world: GitWorld) -> None:
    text = workflow(VPC=[], db=["VPC"], app=["db"], app2=["VPC"]).replace("envs/VPC", "envs/vpc")
    world.commit(files={"headwater.yml": text})
    assert world.reasons("HEAD~1") == {}


def test_a_renamed_alias_is_a_move(world: GitWorld) -> None:
    text = workflow(vpc=[], database=["vpc"], app=["database"], app2=["vpc"]).replace("envs/database", "envs/db")
    world.commit(files={"headwater.yml": text})
    (found,) = world.workflows("HEAD~1")
    assert world.reasons("HEAD~1") == {"database": ["moved from db"], "app": ["upstream-affected database"]}
    assert found.removed == ()


def test_alias_and_path_both_changed_need_moved_from(world: GitWorld) -> None:
    text = workflow(vpc=[], db=["vpc"], app=["db"], new=["vpc"])
    world.put({"envs/new/main.tf": "", "envs/app2/main.tf": None})
    world.commit(files={"headwater.yml": text})
    assert [one.alias for one in world.workflows("HEAD~1")[0].removed] == ["app2"]
    world.commit(files={"headwater.yml": text + "    movedFrom: app2\n"})
    (found,) = world.workflows("HEAD~2")
    assert found.removed == ()
    assert world.reasons("HEAD~2")["new"] == [
        "moved from app2",
        "definition-changed path is envs/new, was envs/app2",
        "file-changed envs/app2/main.tf",
        "file-changed envs/new/main.tf",
    ]


def test_a_workflow_file_that_moves_takes_its_environments_along(world: GitWorld) -> None:
    world.git("mv", "headwater.yml", "envs/headwater.yml")
    world.commit()
    (found,) = world.workflows("HEAD~1")
    assert found.file == "envs/headwater.yml"
    assert {one.reasons[0].detail for one in found.environments} == {
        f"from {alias} in headwater.yml" for alias in ("vpc", "db", "app", "app2")
    }
    assert found.removed == ()


def test_where_several_fit_nothing_is_taken_for_a_move(world: GitWorld) -> None:
    text = "environments:\n" + "".join(f"  {a}: {{vcs: {{type: terraform, path: envs/vpc}}}}\n" for a in "ab")
    world.commit(files={"headwater.yml": text})
    world.commit(files={"headwater.yml": text.replace("  a:", "  c:").replace("  b:", "  d:")})
    (found,) = world.workflows("HEAD~1")
    assert [one.reasons[0].code.value for one in found.environments] == ["new", "new"]
    assert [one.alias for one in found.removed] == ["a", "b"]


def test_definitions_with_errors_are_refused_and_may_be_mended(world: GitWorld) -> None:
    world.commit(files={"headwater.yml": workflow(vpc=["db"], db=["vpc"])})
    with pytest.raises(DefinitionError, match=r"vpc -> db -> vpc|db -> vpc -> db"):
        world.affected("HEAD~1")
    world.commit(files={"headwater.yml": workflow(vpc=[], db=["vpc"])})
    assert world.reasons("HEAD~1") == {}


def test_odd_names_of_files_are_told_readably(world: GitWorld) -> None:
    (world.folder / "envs/db/é ü.tf").write_text("1")
    (Path(str(world.folder).encode().decode()) / "envs/db/tab\there").write_text("1")
    (world.folder / os.fsdecode(b"envs/db/\xff.tf")).write_text("1")
    world.commit()
    assert world.reasons("HEAD~1")["db"] == [
        "file-changed envs/db/\\xff.tf",
        "file-changed envs/db/tab\\x09here",
        "file-changed envs/db/é ü.tf",
    ]
