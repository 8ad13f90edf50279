"""`headwater affected` and `matrix`: the contracts that others build on."""

from __future__ import annotations

import json

import pytest
from inline_snapshot import snapshot

from bot.cli.affected import told
from bot.cli.commands import COMMANDS
from planner.changes import AffectedEnvironment, AffectedWorkflow, Reason, ReasonCode, RemovedEnvironment
from tests.bot.cli.conftest import SHOP_FILE, Repo
from tests.bot.cli.test_main import HEAVY, imported_by


@pytest.fixture
def change(shop: Repo) -> Repo:
    """The shop with a commit that changes `db`."""
    shop.commit({"infra/db/main.tf": 'resource "terraform_data" "db" { input = 2 }\n'})
    return shop


def test_the_json_is_the_contract_to_the_key(change: Repo) -> None:
    answer = change.headwater("affected", "--base", "HEAD~1", "--json")
    found = json.loads(answer.out)
    assert list(found) == ["base", "head", "workflows"]
    assert found["base"] == change.git("rev-parse", "HEAD~1")
    assert found["head"] == change.git("rev-parse", "HEAD")
    assert json.dumps(found["workflows"], indent=1) == snapshot("""\
[
 {
  "file": "headwater.yml",
  "name": "shop",
  "environments": [
   {
    "alias": "db",
    "slug": "db",
    "path": "infra/db",
    "changed": true,
    "affected": true,
    "wave": 1,
    "needs": [
     "vpc"
    ],
    "reasons": [
     {
      "code": "file-changed",
      "detail": "infra/db/main.tf"
     }
    ]
   },
   {
    "alias": "billing",
    "slug": "billing",
    "path": "services/billing",
    "changed": false,
    "affected": true,
    "wave": 2,
    "needs": [
     "db",
     "eks"
    ],
    "reasons": [
     {
      "code": "upstream-affected",
      "detail": "db"
     }
    ]
   },
   {
    "alias": "configuration",
    "slug": "configuration",
    "path": "services/configuration",
    "changed": false,
    "affected": true,
    "wave": 2,
    "needs": [
     "db",
     "eks"
    ],
    "reasons": [
     {
      "code": "upstream-affected",
      "detail": "db"
     }
    ]
   }
  ],
  "removed": []
 }
]\
""")


def test_all_lists_the_unaffected_as_well(change: Repo) -> None:
    found = json.loads(change.headwater("--json", "affected", "--base", "HEAD~1", "--all").out)
    environments = found["workflows"][0]["environments"]
    assert [(one["alias"], one["changed"], one["affected"]) for one in environments] == snapshot(
        [
            ("vpc", False, False),
            ("db", True, True),
            ("eks", False, False),
            ("billing", False, True),
            ("configuration", False, True),
            ("notification", False, False),
        ]
    )


def test_people_are_told_what_and_why(change: Repo) -> None:
    assert change.headwater("affected", "--base", "HEAD~1").out == snapshot("""\
shop  1 changed, 2 downstream · headwater.yml
Environment    Wave              Why
db                1  changed     file-changed: infra/db/main.tf
billing           2  downstream  of db
configuration     2  downstream  of db
""")
    assert change.headwater("affected", "--base", "HEAD~1", "--all").out == snapshot("""\
shop  1 changed, 2 downstream · headwater.yml
Environment    Wave              Why
vpc               0  unaffected
db                1  changed     file-changed: infra/db/main.tf
eks               1  unaffected
billing           2  downstream  of db
configuration     2  downstream  of db
notification      2  unaffected
""")


def test_nothing_is_affected(shop: Repo) -> None:
    shop.commit({"readme.md": "hello"})
    assert shop.headwater("affected", "--base", "HEAD~1", "--quiet").out == "Nothing is affected.\n"
    answer = json.loads(shop.headwater("affected", "--base", "HEAD~1", "--json").out)
    assert [one["environments"] for one in answer["workflows"]] in ([], [[]])


def test_removed_environments_are_listed_apart(shop: Repo) -> None:
    shop.commit({"headwater.yml": SHOP_FILE.split("  notification:")[0]})
    answer = shop.headwater("affected", "--base", "HEAD~1")
    assert answer.out == snapshot("""\
shop  0 changed, 0 downstream, 1 removed · headwater.yml
removed: notification (services/notification)
""")


def test_the_base_is_where_the_branches_parted_unless_exact(shop: Repo) -> None:
    shop.git("checkout", "-q", "-b", "feature")
    shop.commit({"infra/eks/main.tf": "# feature"})
    shop.git("checkout", "-q", "main")
    shop.commit({"infra/network/main.tf": "# main"})

    def changed(*arguments: str) -> list[str]:
        answer = shop.headwater("affected", "--json", "--base", "main", "--head", "feature", *arguments)
        environments = json.loads(answer.out)["workflows"][0]["environments"]
        return [one["alias"] for one in environments if one["changed"]]

    assert changed() == ["eks"]
    assert changed("--exact") == ["vpc", "eks"]


def test_one_workflow_of_several(change: Repo) -> None:
    change.commit({"blog/env0.workflow.yml": "environments: {site: {vcs: {type: terraform, path: blog}}}\n"})
    found = json.loads(change.headwater("affected", "--base", "HEAD~2", "--workflow", "blog", "--json").out)
    assert [one["name"] for one in found["workflows"]] == ["blog"]
    answer = change.headwater("affected", "--base", "HEAD~2", "--workflow", "blgo")
    assert (answer.code, answer.err) == (2, "error: no workflow is called 'blgo'\n  did you mean 'blog'?\n")


@pytest.mark.parametrize("arguments", [["affected"], ["affected", "--base", "nope"], ["affected", "--base", "--help2"]])
def test_a_base_that_is_none(shop: Repo, arguments: list[str]) -> None:
    answer = shop.headwater(*arguments)
    assert answer.code == 2
    assert answer.err.startswith("error: ")
    assert answer.out == ""


def test_a_definition_with_errors_is_told_with_its_place(shop: Repo) -> None:
    shop.commit({"headwater.yml": SHOP_FILE.replace("needs: [vpc]", "needs: [vcp]")})
    answer = shop.headwater("affected", "--base", "HEAD~1")
    assert answer.code == 2
    assert "headwater.yml:7:13: " in answer.err


def test_many_reasons_are_cut_for_people() -> None:
    reasons = [Reason(ReasonCode.FILE_CHANGED, f"infra/db/{n}.tf") for n in range(9)]
    reasons += [Reason(ReasonCode.UPSTREAM_AFFECTED, one) for one in ("vpc", "dns")]
    environment = AffectedEnvironment("db", "db", "infra/db", True, True, 1, ("vpc",), tuple(reasons))
    text = told(AffectedWorkflow("headwater.yml", "shop", (environment,), (RemovedEnvironment("old\x07", "x"),)))
    assert text == snapshot("""\
\x1b[1mshop\x1b[0m  \x1b[2m1 changed, 0 downstream, 1 removed · headwater.yml\x1b[0m
\x1b[2mEnvironment\x1b[0m  \x1b[2mWave\x1b[0m           \x1b[2mWhy\x1b[0m
\x1b[1mdb\x1b[0m              1  \x1b[33mchanged\x1b[0m  file-changed: infra/db/0.tf
                            file-changed: infra/db/1.tf
                            file-changed: infra/db/2.tf
                            file-changed: infra/db/3.tf
                            and 6 more reasons (--json has all)
\x1b[33mremoved:\x1b[0m old\\x07\x1b[2m (x)\x1b[0m\
""")


def test_the_hot_path_imports_nothing_heavy(change: Repo) -> None:
    modules = imported_by("affected", "--base", "HEAD~1", cwd=change.folder)
    assert modules.isdisjoint(HEAVY)
    others = {one.module for name, one in COMMANDS.items() if name != "affected"}
    assert modules.isdisjoint(others)


def test_the_matrix_is_the_contract_to_the_key(change: Repo) -> None:
    answer = change.headwater("matrix", "--base", "HEAD~1", "--json")
    assert json.dumps(json.loads(answer.out), indent=1) == snapshot("""\
{
 "waves": [
  {
   "include": [
    {
     "environment": "db",
     "slug": "db",
     "path": "infra/db",
     "tool": "terraform",
     "workspace": null,
     "wave": 1
    }
   ]
  },
  {
   "include": [
    {
     "environment": "billing",
     "slug": "billing",
     "path": "services/billing",
     "tool": "script",
     "workspace": null,
     "wave": 2
    },
    {
     "environment": "configuration",
     "slug": "configuration",
     "path": "services/configuration",
     "tool": "terraform",
     "workspace": null,
     "wave": 2
    }
   ]
  }
 ]
}\
""")
    assert answer.out.count("\n") == 1


def test_the_matrix_for_people(change: Repo) -> None:
    assert change.headwater("matrix", "--base", "HEAD~1").out == snapshot("""\
Environment    Wave  Tool       Path
db                1  terraform  infra/db
billing           2  script     services/billing
configuration     2  terraform  services/configuration
""")


def test_an_empty_matrix(shop: Repo) -> None:
    shop.commit({"readme.md": "hello"})
    assert shop.headwater("matrix", "--base", "HEAD~1", "--json").out == '{"waves":[]}\n'


def test_several_workflows_in_one_matrix_are_told_apart(change: Repo) -> None:
    change.commit(
        {"blog/env0.workflow.yml": "environments: {site: {vcs: {type: terraform, path: blog}}}\n", "blog/main.tf": ""}
    )
    waves = json.loads(change.headwater("matrix", "--base", "HEAD~2", "--json").out)["waves"]
    legs = [(leg["wave"], leg["workflow"], leg["environment"]) for wave in waves for leg in wave["include"]]
    assert legs == [(0, "blog", "site"), (1, "shop", "db"), (2, "shop", "billing"), (2, "shop", "configuration")]
    alone = json.loads(change.headwater("matrix", "--base", "HEAD~2", "--json", "--workflow", "blog").out)["waves"]
    assert [list(leg) for wave in alone for leg in wave["include"]] == [
        ["environment", "slug", "path", "tool", "workspace", "wave"]
    ]


def test_a_matrix_has_workspaces_filled_in(shop: Repo) -> None:
    text = SHOP_FILE.replace(
        "vcs: {type: terraform, path: infra/db}", "vcs: {type: terraform, path: infra/db}\n    workspace: w-${STAGE}"
    )
    shop.commit({"headwater.yml": text + "variables: {STAGE: prod}\n"})
    waves = json.loads(shop.headwater("matrix", "--base", "HEAD~1", "--json").out)["waves"]
    legs = [leg for wave in waves for leg in wave["include"]]
    assert [leg["workspace"] for leg in legs if leg["environment"] == "db"] == ["w-prod"]
