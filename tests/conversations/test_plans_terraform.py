"""Plans of real Terraform, in jobs that find their `terraform` as a team's own set-up action puts it there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.conversations.seeing import check_of, headline
from tests.conversations.test_power import everything_seen
from tests.conversations.town import Town, shown

CANARY = "canary-7f3a9c2e51"
TWO = """name: cloud
triggers: {deployOnMerge: true}
environments:
  vpc:
    vcs: {type: terraform, path: vpc}
  app:
    vcs: {type: terraform, path: app}
    variables:
      vpc_id: ${environments.vpc.outputs.id}
      password: {sensitive: true, fromSecret: APP_PASSWORD, plan: true}
"""
APP = """variable "vpc_id" { type = string }
variable "password" {
  type      = string
  sensitive = true
}
resource "terraform_data" "server" { input = "${var.vpc_id} ${var.password}" }
"""


def module(town: Town, name: str, text: str) -> dict[str, object]:
    """A module with a backend of its own, in a file of the town."""
    backend = f'terraform {{\n  backend "local" {{ path = "{town.tools}/{name}.tfstate" }}\n}}\n'
    return {f"{name}/main.tf": backend + text}


def vpc(town: Town, cidr: str, more: str = "") -> dict[str, object]:
    """A network of that address, replaced when it changes."""
    text = (
        f'resource "terraform_data" "net" {{ triggers_replace = "{cidr}" }}\noutput "id" {{ value = "vpc-{cidr}" }}\n'
    )
    return module(town, "vpc", text + more)


@pytest.fixture
def cloud(town: Town) -> Town:
    """A town with a `vpc` and an `app` of Terraform."""
    town.repository.secrets |= {"APP_PASSWORD": CANARY}
    folder = town.tools / "bin"
    folder.mkdir()
    (folder / "terraform").symlink_to(Path(sys.executable).with_name("headwater-terraform"))
    town.setup({"headwater.yml": TWO, **vpc(town, "10.0"), **module(town, "app", APP)})
    lines = f'    - run: echo "{folder}" >> "$GITHUB_PATH"\n      shell: bash\n'
    action = f"name: setup\ndescription: Find Terraform\nruns:\n  using: composite\n  steps:\n{lines}"
    town.commit({".github/actions/headwater-setup/action.yml": action}, "Find Terraform")
    town.settle()
    return town


def test_from_a_first_plan_to_what_is_there(cloud: Town) -> None:
    pull = cloud.pull(vpc(cloud, "10.1", 'resource "terraform_data" "peering" {}\n'))
    cloud.settle()
    assert pull.plan() == snapshot("""\
### 2 environments: 1 to change, 1 planned at deploy

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["vpc<br/>+2"]:::good
  n1["app"]:::idle
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `vpc` | +2 | `vpc/main.tf` | Terraform | [N s](https://github/acme/shop/actions/runs/RUN) |
| `app` | ○\xa0after `vpc` | downstream of `vpc` | Terraform |  |

<details><summary><code>vpc</code> &nbsp;+2</summary>

```diff
  # terraform_data.net will be created
+   resource "terraform_data" "net" {
+       id               = (known after apply)
+       triggers_replace = "10.1"
    }

  # terraform_data.peering will be created
+   resource "terraform_data" "peering" {
+       id = (known after apply)
    }

Plan: 2 to add, 0 to change, 0 to destroy.

Changes to Outputs:
+   id = "vpc-10.1"
```

</details>

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `cloud`</sub>\
""")
    assert headline(pull.say("/deploy")) == snapshot("### Deployed 2 environments")
    assert shown(pull.newest()) == snapshot("""\
### Deployed 2 environments

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["✓ vpc"]:::good
  n1["✓ app"]:::good
  n0 --> n1
  classDef good fill:#2da44e26,stroke:#2da44e
```

| Environment | State | Changes | Job |
| :-- | :-- | :-- | :-- |
| `vpc` | ✓\xa0deployed | +2 | [N s](https://github/acme/shop/actions/runs/RUN) |
| `app` | ✓\xa0deployed | +1 | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>vpc</code> &nbsp;+2</summary>

```diff
  # terraform_data.net will be created
+   resource "terraform_data" "net" {
+       id               = (known after apply)
+       triggers_replace = "10.1"
    }

  # terraform_data.peering will be created
+   resource "terraform_data" "peering" {
+       id = (known after apply)
    }

Plan: 2 to add, 0 to change, 0 to destroy.

Changes to Outputs:
+   id = "vpc-10.1"
```

</details>

<details><summary><code>app</code> &nbsp;+1</summary>

```diff
  # terraform_data.server will be created
+   resource "terraform_data" "server" {
+       id     = (known after apply)
+       input  = (sensitive value)
+       output = (known after apply)
    }

Plan: 1 to add, 0 to change, 0 to destroy.
```

</details>

<sub>`/deploy` by ada · [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `cloud` · deployment 2</sub>\
""")
    pull.merge()
    cloud.settle()
    later = cloud.pull(vpc(cloud, "10.2"), title="Another network")
    cloud.settle()
    assert later.plan() == snapshot("""\
### 2 environments: 1 to change, 1 destroys 1 resource

> [!CAUTION]
> `vpc` destroys 1 resource: `terraform_data.peering`; replaces 1 resource: `terraform_data.net`

- `app`: an upstream changes too, so planned again in its turn

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["vpc<br/>±1 -1"]:::bad
  n1["app"]:::quiet
  n0 --> n1
  classDef bad fill:#cf222e33,stroke:#cf222e,stroke-width:2px
  classDef quiet fill:#8c959f1a,stroke:#8c959f
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `vpc` | <b>±1</b>\xa0<b>-1</b> | `vpc/main.tf` | Terraform | [N s](https://github/acme/shop/actions/runs/RUN) |
| `app` | no\xa0changes | downstream of `vpc` | Terraform | [N s](https://github/acme/shop/actions/runs/RUN) |

<details><summary><code>vpc</code> &nbsp;<b>±1</b>\xa0<b>-1</b></summary>

```diff
  # terraform_data.net must be replaced
-/+ resource "terraform_data" "net" {
!       id               = "UUID" -> (known after apply)
!       triggers_replace = "10.1" -> "10.2"
    }

  # terraform_data.peering will be destroyed
  # (because terraform_data.peering is not in configuration)
-   resource "terraform_data" "peering" {
-       id = "UUID" -> null
    }

Plan: 1 to add, 0 to change, 2 to destroy.

Changes to Outputs:
!   id = "vpc-10.1" -> "vpc-10.2"
```

</details>

Merging this deploys what is shown here. To deploy it before the merge:

```
/deploy
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `cloud`</sub>\
""")
    assert check_of(later, "headwater plan: cloud").output["title"] == snapshot(
        "2 environments: 1 to change, 1 destroys 1 resource"
    )
    assert CANARY not in everything_seen(cloud)


def test_what_terraform_complains_of_is_told_and_its_secrets_are_not(cloud: Town) -> None:
    broken = 'resource "terraform_data" "net" { nothing_like_it = 1 }\n'
    pull = cloud.pull(module(cloud, "vpc", broken))
    cloud.settle()
    assert pull.plan() == snapshot("""\
### 2 environments: 1 failed, 1 planned at deploy

```mermaid
%%{init: {"flowchart": {"nodeSpacing": 18, "rankSpacing": 44, "padding": 10}}}%%
flowchart LR
  n0["vpc"]:::bad
  n1["app"]:::idle
  n0 --> n1
  classDef bad fill:#cf222e33,stroke:#cf222e,stroke-width:2px
  classDef idle fill:#8c959f1a,stroke:#8c959f,stroke-dasharray:4 3
```

| Environment | Plan | Why | Tool | Job |
| :-- | :-- | :-- | :-- | :-- |
| `vpc` | ✗\xa0**failed** | `vpc/main.tf` | Terraform | [N s](https://github/acme/shop/actions/runs/RUN) |
| `app` | ○\xa0after `vpc` | downstream of `vpc` | Terraform |  |

<details open><summary><code>vpc</code> &nbsp;failed</summary>

```
terraform plan failed (exit code 1).

Error: Unsupported argument

  on main.tf line 4, in resource "terraform_data" "net":
   4: resource "terraform_data" "net" { nothing_like_it = 1 }

An argument named "nothing_like_it" is not expected here.
```

</details>

Push a commit that mends this. To plan again as it is:

```
/plan vpc
```

<sub>[`COMMIT7`](https://github/acme/shop/commit/COMMIT) against [`COMMIT7`](https://github/acme/shop/commit/COMMIT) · workflow `cloud`</sub>\
""")
    assert pull.checks() == snapshot(
        {"headwater deploy: cloud": "neutral", "headwater plan": "failure", "headwater plan: cloud": "failure"}
    )
