"""Outputs of environments and values that were kept, encrypted where they are sensitive."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select

from bot.decide.inputs import Output
from bot.store.tables import environments, kept_values, outputs, workflows
from bot.vault import Vault
from planner.definition import Json

WHOLE_WORKFLOW = 0

_FORGET = delete(outputs).where(outputs.c.environment_id == bindparam("environment"))


def write_outputs(connection: Connection, vault: Vault, environment: int, found: Mapping[str, Output]) -> None:
    """Put an environment's outputs in the place of its former ones."""
    connection.execute(_FORGET, {"environment": environment})
    if found:
        rows = [_output(vault, environment, name, output) for name, output in found.items()]
        connection.execute(insert(outputs), rows)


def _output(vault: Vault, environment: int, name: str, output: Output) -> dict[str, object]:
    text = json.dumps(output.value, sort_keys=True)
    return {
        "environment_id": environment,
        "name": name,
        "sensitive": output.sensitive,
        "value": vault.seal(output.value) if output.sensitive else text.encode(),
        "digest": hashlib.sha256(text.encode()).hexdigest() if not output.sensitive else "",
    }


def read_outputs(connection: Connection, vault: Vault, ids: Iterable[int]) -> dict[int, dict[str, Output]]:
    """The outputs of these environments: id -> name -> output."""
    found: dict[int, dict[str, Output]] = {}
    for row in connection.execute(
        select(outputs).where(outputs.c.environment_id.in_(list(ids))).order_by(outputs.c.name)
    ):
        value: Json = vault.open(row.value) if row.sensitive else json.loads(row.value)
        found.setdefault(row.environment_id, {})[row.name] = Output(value, row.sensitive)
    return found


def shown_outputs(connection: Connection, repository: int) -> dict[int, dict[str, Json]]:
    """The outputs of what is deployed of a repository, as people may see them: environment id -> name -> value.

    A sensitive value is None. One query, however many environments there are.
    """
    query = (
        select(outputs.c.environment_id, outputs.c.name, outputs.c.sensitive, outputs.c.value)
        .join(environments, outputs.c.environment_id == environments.c.id)
        .join(workflows, environments.c.workflow_id == workflows.c.id)
        .where(workflows.c.repository_id == repository, environments.c.deployed, environments.c.detached.is_(False))
        .order_by(outputs.c.environment_id, outputs.c.name)
    )
    found: dict[int, dict[str, Json]] = {}
    for identity, name, sensitive, value in connection.execute(query):
        found.setdefault(identity, {})[name] = None if sensitive else json.loads(value)
    return found


def read_kept(connection: Connection, vault: Vault, workflow: int) -> dict[int, dict[str, Json]]:
    """The kept values of a workflow: environment id (0: all of them) -> name -> value."""
    found: dict[int, dict[str, Json]] = {}
    for row in connection.execute(select(kept_values).where(kept_values.c.workflow_id == workflow)):
        found.setdefault(row.environment_id, {})[row.name] = vault.open(row.value)
    return found


def keep(
    connection: Connection,
    vault: Vault,
    workflow: int,
    environment: int,
    values: Mapping[str, Json],
    deployment: int,
    now: float,
) -> None:
    """Keep values given with `-v`: for the workflow (environment 0) or for one environment."""
    for name, value in values.items():
        forget(connection, workflow, [name], environment)
        row = {
            "workflow_id": workflow,
            "environment_id": environment,
            "name": name,
            "value": vault.seal(value),
            "deployment_id": deployment,
            "at": now,
        }
        connection.execute(insert(kept_values).values(row))


def forget(connection: Connection, workflow: int, names: Iterable[str], environment: int | None = None) -> int:
    """Forget kept values by name, of one environment or (None) wherever they are kept; how many there were."""
    query = delete(kept_values).where(kept_values.c.workflow_id == workflow, kept_values.c.name.in_(list(names)))
    if environment is not None:
        query = query.where(kept_values.c.environment_id == environment)
    return connection.execute(query).rowcount
