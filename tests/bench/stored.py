"""A store in which every environment of a repository is deployed, as if its deploys had been run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from bot.store.database import Database
from bot.store.declared import repository_id
from bot.store.tables import deployments, environments, outputs, tasks, workflows
from planner.listing import ListedEnvironment, ListedWorkflow, listing_at
from planner.repository import Repository

AT = 1_750_000_000.0  # seconds since the epoch
OUTPUTS = {"id": False, "password": True}  # whether each is sensitive


def store_as_deployed(folder: Path) -> None:
    """Write the store of the repository in this folder; it must have none."""
    with Repository(folder) as repository:
        head, found = repository.commit("HEAD"), listing_at(repository, "HEAD")
        state = repository.git_dir / "headwater"
    state.mkdir(exist_ok=True)
    first = 1
    with Database.file(state / "headwater.db").writing() as connection:
        here = repository_id(connection, "local")
        for one in found:
            _store(connection, here, one, head, first)
            first += len(one.environments)


def _store(connection: Connection, repository: int, one: ListedWorkflow, head: str, first: int) -> None:
    values = {"repository_id": repository, "file": one.file, "name": one.name}
    workflow = _made(connection, workflows, values)
    told = {"workflow_id": workflow, "action": "deploy", "commit": head, "state": "succeeded", "actor": "bench"}
    told |= {"origin": "command line", "place": "here", "jobs": 4, "created_at": AT, "finished_at": AT}
    deployment = _made(connection, deployments, told)
    numbered = list(enumerate(one.environments, start=first))
    connection.execute(insert(environments), [_environment(number, workflow, head, each) for number, each in numbered])
    connection.execute(insert(tasks), [_task(number, deployment, head, each) for number, each in numbered])
    connection.execute(insert(outputs), [row for number, _ in numbered for row in _outputs(number)])


def _made(connection: Connection, table: Any, values: dict[str, Any]) -> int:
    key = connection.execute(insert(table).values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _environment(number: int, workflow: int, head: str, one: ListedEnvironment) -> dict[str, Any]:
    place = {"path": one.path, "tool": one.tool, "workspace": one.workspace or ""}
    named = {"id": number, "workflow_id": workflow, "alias": one.alias, "alias_key": one.key, "slug": one.slug}
    last = {"deployed": True, "commit": head, "deployed_at": AT, "last_task_id": number, "success_id": number}
    own = {"state_id": one.slug, "digest_key": bytes(32), "touches": 2, "seen": {}, "durations": {"deploy": 1.5}}
    return named | place | last | own


def _task(number: int, deployment: int, head: str, one: ListedEnvironment) -> dict[str, Any]:
    at = {"commit": head, "source_commit": head, "created_at": AT, "finished_at": AT}
    ended = {"state": "succeeded", "code": "done", "dirty": False, "started": True, "changed": True}
    named = {"id": number, "deployment_id": deployment, "environment_id": number, "alias": one.alias}
    return named | at | ended | {"action": "deploy", "position": number}


def _outputs(number: int) -> Iterator[dict[str, Any]]:
    for name, sensitive in OUTPUTS.items():
        value = json.dumps(f"{name}-{number}").encode()
        yield {"environment_id": number, "name": name, "sensitive": sensitive, "value": value, "digest": ""}
