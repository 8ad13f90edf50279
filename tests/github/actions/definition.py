"""Workflow files, read strictly: an unknown key, or one that is not played here, is a problem with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.github.actions.expressions import written
from tests.github.actions.known import ACTIONS, EVENTS, NOT_PLAYED, PERMISSIONS
from tests.github.actions.yaml_values import InvalidWorkflow, Value, read

MOST_BYTES = 500 * 1024
WORKFLOW_KEYS = {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"}
JOB_KEYS = {
    "name", "permissions", "needs", "if", "runs-on", "environment", "concurrency", "outputs", "env", "defaults",
    "steps", "timeout-minutes", "strategy", "continue-on-error",
}  # fmt: skip
STEP_KEYS = {
    "id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error",
    "timeout-minutes",
}  # fmt: skip
INPUT_TYPES = ("string", "boolean", "choice", "number", "environment")
_NO = Value(False, 0, 0)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


@dataclass(frozen=True)
class StepDefinition:
    """One step."""

    data: dict[str, Any]

    @property
    def name(self) -> str:
        """What the log calls it."""
        if self.data.get("name"):
            return written(self.data["name"])
        text = self.data.get("uses") or written(self.data.get("run", "")).strip().split("\n", maxsplit=1)[0]
        return f"Run {text}"


@dataclass(frozen=True)
class JobDefinition:
    """One job; `data` are its other keys."""

    key: str
    needs: tuple[str, ...]
    steps: tuple[StepDefinition, ...]
    data: dict[str, Any]


@dataclass(frozen=True)
class WorkflowDefinition:
    """A whole file."""

    path: str
    name: str
    on: dict[str, Any]
    jobs: dict[str, JobDefinition]
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> dict[str, dict[str, Any]]:
        """The inputs of `workflow_dispatch`."""
        return (self.on.get("workflow_dispatch") or {}).get("inputs") or {}


def parse(path: str, data: bytes, more_actions: Iterable[str] = ()) -> WorkflowDefinition:
    """Read a file. Raises InvalidWorkflow with all its problems."""
    if len(data) > MOST_BYTES:
        raise InvalidWorkflow(path, [f"The file is larger than {MOST_BYTES} bytes"])
    try:
        text = data.decode()
    except UnicodeDecodeError as failed:
        raise InvalidWorkflow(path, ["The file is not UTF-8"]) from failed
    reader = _Reader({*ACTIONS, *more_actions})
    found = reader.workflow(path, read(path, text))
    if reader.problems:
        raise InvalidWorkflow(path, reader.problems)
    return found


class _Reader:
    def __init__(self, actions: set[str]) -> None:
        self.problems: list[str] = []
        self._actions = actions

    def _say(self, where: Value, message: str) -> None:
        self.problems.append(where.at(message))

    def _mapping(self, where: Value, known: Iterable[str] | None = None) -> dict[str, Value]:
        if not isinstance(where.data, dict):
            self._say(where, "A mapping was expected")
            return {}
        for name, one in where.data.items():
            if known is not None and name in NOT_PLAYED - set(known):
                self._say(one, f"'{name}' is not played by the GitHub on localhost")
            elif known is not None and name not in known:
                self._say(one, f"Unexpected value '{name}'")
        return where.data

    def workflow(self, path: str, root: Value) -> WorkflowDefinition:
        keys = self._mapping(root, WORKFLOW_KEYS)
        for name in ("on", "jobs"):
            if name not in keys:
                self._say(root, f"Required property is missing: {name}")
        on = self.triggers(keys["on"]) if "on" in keys else {}
        self.common(keys)
        jobs = {key: self.job(key, one) for key, one in self._mapping(keys["jobs"]).items()} if "jobs" in keys else {}
        if "jobs" in keys and not jobs:
            self._say(keys["jobs"], "There must be at least one job")
        self.order(jobs, keys.get("jobs", root))
        data = {name: one.plain() for name, one in keys.items() if name != "jobs"}
        return WorkflowDefinition(path, str(data.get("name") or path), on, jobs, data)

    def triggers(self, where: Value) -> dict[str, Any]:
        found = where.data
        if isinstance(found, str):
            found = {found: Value(None, where.line, where.column)}
        elif isinstance(found, list):
            found = {str(one.data): Value(None, one.line, one.column) for one in found}
        elif not isinstance(found, dict):
            self._say(where, "A trigger was expected")
            return {}
        for name, one in found.items():
            if name not in EVENTS:
                self._say(one, f"'{name}' is no event that the GitHub on localhost plays")
            elif isinstance(one.data, dict):
                self._mapping(one, EVENTS[name])
                if name == "workflow_dispatch" and "inputs" in one.data:
                    self.inputs(one.data["inputs"])
        return {name: one.plain() for name, one in found.items()}

    def inputs(self, where: Value) -> None:
        inputs = self._mapping(where)
        if len(inputs) > 25:
            self._say(where, "you may only define up to 25 `inputs` for a `workflow_dispatch` event")
        for one in inputs.values():
            keys = self._mapping(one, {"description", "required", "default", "type", "options", "deprecationMessage"})
            if "type" in keys and keys["type"].data not in INPUT_TYPES:
                self._say(keys["type"], f"Unexpected value '{keys['type'].data}'")
            if "type" in keys and keys["type"].data == "choice" and "options" not in keys:
                self._say(one, "Required property is missing: options")

    def common(self, keys: dict[str, Value]) -> None:
        """What workflows and jobs share."""
        if "permissions" in keys:
            self.permissions(keys["permissions"])
        if "concurrency" in keys and not isinstance(keys["concurrency"].data, str):
            found = self._mapping(keys["concurrency"], {"group", "cancel-in-progress", "queue"})
            if "group" not in found:
                self._say(keys["concurrency"], "Required property is missing: group")
            queue = found.get("queue")
            if queue is not None and queue.data not in ("single", "max"):
                self._say(queue, f"Unexpected value '{queue.data}'")
            elif queue is not None and queue.data == "max" and found.get("cancel-in-progress", _NO).data is not False:
                self._say(queue, "'queue: max' and 'cancel-in-progress' exclude each other")
        if "defaults" in keys:
            run = self._mapping(keys["defaults"], {"run"}).get("run")
            if run is not None:
                self._mapping(run, {"shell", "working-directory"})

    def permissions(self, where: Value) -> None:
        if isinstance(where.data, str):
            if where.data not in ("read-all", "write-all"):
                self._say(where, f"Unexpected value '{where.data}'")
            return
        for name, one in self._mapping(where, PERMISSIONS).items():
            allowed = ("write", "none") if name == "id-token" else ("read", "write", "none")
            if name in PERMISSIONS and one.data not in allowed:
                self._say(one, f"Unexpected value '{one.data}'")

    def job(self, key: str, where: Value) -> JobDefinition:
        keys = self._mapping(where, JOB_KEYS)
        if not NAME.match(key):
            self._say(
                where, f"The identifier '{key}' is invalid. IDs may only contain alphanumeric characters, '_', and '-'."
            )
        for name in ("runs-on", "steps"):
            if name not in keys and not set(keys) & NOT_PLAYED:
                self._say(where, f"Required property is missing: {name}")
        self.common(keys)
        if "strategy" in keys:
            self._mapping(keys["strategy"], {"matrix", "fail-fast", "max-parallel"})
        if "environment" in keys and isinstance(keys["environment"].data, dict):
            self._mapping(keys["environment"], {"name", "url", "deployment"})
        steps = keys["steps"].data if "steps" in keys else []
        if not isinstance(steps, list):
            self._say(keys["steps"], "A sequence was expected")
            steps = []
        read_steps = tuple(self.step(one) for one in steps)
        ids = [one.data["id"] for one in read_steps if "id" in one.data]
        for one in {one for one in ids if ids.count(one) > 1}:
            self._say(where, f"The identifier '{one}' may not be used more than once within the same scope.")
        needs = keys["needs"].plain() if "needs" in keys else []
        data = {name: one.plain() for name, one in keys.items() if name not in ("steps", "needs")}
        return JobDefinition(key, (needs,) if isinstance(needs, str) else tuple(needs), read_steps, data)

    def step(self, where: Value) -> StepDefinition:
        keys = self._mapping(where, STEP_KEYS)
        if ("run" in keys) == ("uses" in keys):
            self._say(where, "Required property is missing: run or uses (one of them)")
        if "uses" in keys:
            self.action(keys["uses"])
        return StepDefinition({name: one.plain() for name, one in keys.items()})

    def action(self, where: Value) -> None:
        name = str(where.data).partition("@")[0]
        if not name.startswith("./") and name not in self._actions:
            self._say(where, f"The action '{where.data}' is not played by the GitHub on localhost")
        elif not name.startswith("./") and "@" not in str(where.data):
            self._say(where, f"Expected format {{org}}/{{repo}}[/path]@ref. Actual '{where.data}'")

    def order(self, jobs: dict[str, JobDefinition], where: Value) -> None:
        for job in jobs.values():
            for name in job.needs:
                if name not in jobs:
                    self._say(where, f"Job '{job.key}' depends on unknown job '{name}'.")
        left = {key: set(job.needs) & set(jobs) for key, job in jobs.items()}
        while free := [key for key, needs in left.items() if not needs]:
            for key in free:
                del left[key]
            for needs in left.values():
                needs.difference_update(free)
        if left:
            self._say(
                where,
                f"The workflow must contain at least one job with no dependencies: {', '.join(left)} need each other.",
            )


__all__ = ["InvalidWorkflow", "JobDefinition", "StepDefinition", "WorkflowDefinition", "parse"]
