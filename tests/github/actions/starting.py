"""How runs begin: by a dispatch, a push, a pull request, or again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.github.actions import contexts, triggers
from tests.github.actions.definition import InvalidWorkflow, WorkflowDefinition, parse
from tests.github.actions.expressions import ExpressionError, filled, written
from tests.github.actions.runs import Run, WorkflowFile
from tests.github.shapes.webhooks import payload
from tests.github.world.checks import CheckSuite
from tests.github.world.people import Account
from tests.github.world.refusal import Refusal, not_found
from tests.github.world.repository import Repository

if TYPE_CHECKING:
    from tests.github.actions.engine import Actions
    from tests.github.world.world import Event

FOLDER = ".github/workflows"
MOST_INPUTS, MOST_CHARACTERS, MOST_ATTEMPTS = 25, 65_535, 50


def files_at(where: Repository, commit: str) -> dict[str, bytes]:
    """The workflow files of a commit."""
    paths = (path for _, kind, _, path in where.git.listing(commit, FOLDER) if kind == "blob")
    return {path: where.git.read(commit, path) or b"" for path in paths if path.endswith((".yml", ".yaml"))}


def registered(actions: Actions, where: Repository) -> dict[str, WorkflowFile]:
    """The workflows of the default branch, by path, registered when new."""
    tip = where.git.branch(where.default_branch)
    found = files_at(where, tip) if tip else {}
    for path, data in found.items():
        file(actions, where, path, data)
    return {path: where.workflows[path] for path in found}


def file(actions: Actions, where: Repository, path: str, data: bytes) -> WorkflowFile:
    """The registration of one workflow file, under the name that it bears now."""
    world = actions.github.world
    one = where.workflows.get(path)
    if one is None:
        one = where.workflows[path] = WorkflowFile(world.next_id(), path, path, world.clock.now())
    try:
        one.name = parse(path, data, actions.more).name
    except InvalidWorkflow:
        one.name = path
    return one


def by_name(actions: Actions, where: Repository, name: str) -> WorkflowFile:
    """A workflow by its id or file name. Raises Refusal 404."""
    for path, one in registered(actions, where).items():
        if name in (str(one.id), path, path.rsplit("/", 1)[1]):
            return one
    raise not_found()


def dispatch(
    actions: Actions, where: Repository, workflow: WorkflowFile, ref: str, inputs: Mapping[str, Any], by: Account
) -> Run:
    """Start a run by hand. Raises Refusal 422 as GitHub words it."""
    full = next((one for one in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref) if one in where.git.refs()), None)
    if full is None:
        raise Refusal(422, f"No ref found for: {ref}")
    if workflow.state != "active":
        raise Refusal(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    sha = where.git.refs()[full]
    data = where.git.read(sha, workflow.path)
    if data is None:
        raise Refusal(422, f"Workflow file not found: {workflow.path}")
    try:
        definition = parse(workflow.path, data, actions.more)
    except InvalidWorkflow as failed:
        actions.refused.append(failed)
        raise Refusal(422, f"failed to parse workflow: {failed.problems[0]}") from failed
    if "workflow_dispatch" not in definition.on:
        raise Refusal(422, "Workflow does not have 'workflow_dispatch' trigger")
    given = checked_inputs(definition, inputs)
    event = {"ref": full, "inputs": {name: written(one) for name, one in given.items()}, "workflow": workflow.path}
    return begin(actions, where, workflow, definition, "workflow_dispatch", full, sha, by, event, given)


def checked_inputs(definition: WorkflowDefinition, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with their defaults and types. Raises Refusal 422."""
    if len(inputs) > MOST_INPUTS:
        raise Refusal(422, f"you may only define up to {MOST_INPUTS} `inputs` for a `workflow_dispatch` event")
    if len(json.dumps(dict(inputs))) > MOST_CHARACTERS:
        raise Refusal(422, f"inputs are too large. (maximum is {MOST_CHARACTERS} characters)")
    unknown = [name for name in inputs if name not in definition.inputs]
    if unknown:
        raise Refusal(422, f"Unexpected inputs provided: {json.dumps(unknown)}")
    return {name: _input(name, declared or {}, inputs.get(name)) for name, declared in definition.inputs.items()}


def _input(name: str, declared: Mapping[str, Any], given: Any) -> Any:
    kind = declared.get("type", "string")
    if given is None:
        if declared.get("required") and "default" not in declared:
            raise Refusal(422, f"Required input '{name}' not provided")
        given = declared.get("default", False if kind == "boolean" else "")
    text = written(given)
    if kind == "boolean":
        if text not in ("true", "false"):
            raise Refusal(422, f"Provided value '{text}' for input '{name}' not in the list of allowed values")
        return text == "true"
    if kind == "choice" and text and text not in [written(one) for one in declared.get("options") or []]:
        raise Refusal(422, f"Provided value '{text}' for input '{name}' not in the list of allowed values")
    return float(text) if kind == "number" and text else text


def heard(actions: Actions, event: Event) -> None:
    """Start what a push or a pull request starts; what GITHUB_TOKEN caused starts nothing."""
    where = event.repository
    if where is None or event.sender is actions.github.world.actions_bot:
        return
    if event.name == "push":
        _by_push(actions, where, event)
    elif event.name == "pull_request":
        _by_pull(actions, where, event)


def _by_push(actions: Actions, where: Repository, event: Event) -> None:
    ref, before, sha = event.parts["ref"], event.parts["before"], event.parts["after"]
    if set(sha) == {"0"}:
        return
    paths = None
    for path, data in files_at(where, sha).items():
        one = file(actions, where, path, data)
        definition = _parsed(actions, where, one, data, ref, sha, event)
        if definition is None or "push" not in definition.on:
            continue
        if paths is None:
            base = before if set(before) != {"0"} else "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
            paths = [change.path for change in where.git.changes(base, sha)]
        if triggers.hears_push(definition.on["push"], ref, paths):
            shape = payload(actions.github.world, event, None)
            begin(actions, where, one, definition, "push", ref, sha, event.sender, shape)


def _by_pull(actions: Actions, where: Repository, event: Event) -> None:
    pull = event.parts["pull"]
    merge = where.git.resolve(f"refs/pull/{pull.number}/merge")
    if not pull.mergeable or merge is None or event.action == "closed":
        return
    ref = f"refs/pull/{pull.number}/merge"
    start = where.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    paths = [change.path for change in where.git.changes(start, pull.head_sha)]
    for path, data in files_at(where, merge).items():
        one = file(actions, where, path, data)
        definition = _parsed(actions, where, one, data, ref, merge, event)
        if definition is None or "pull_request" not in definition.on:
            continue
        if triggers.hears_pull(definition.on["pull_request"], event.action or "", pull.base_branch, paths):
            shape = payload(actions.github.world, event, None)
            run = begin(
                actions, where, one, definition, "pull_request", ref, merge, event.sender, shape, pull=pull.number
            )
            run.head_branch = pull.head_branch


def _parsed(
    actions: Actions, where: Repository, one: WorkflowFile, data: bytes, ref: str, sha: str, event: Event
) -> WorkflowDefinition | None:
    if one.state != "active":
        return None
    try:
        return parse(one.path, data, actions.more)
    except InvalidWorkflow as failed:
        actions.refused.append(failed)
        run = begin(actions, where, one, None, event.name, ref, sha, event.sender, {})
        run.problem = str(failed)
        actions.finish(where, run, "startup_failure")
        return None


def begin(
    actions: Actions, where: Repository, workflow: WorkflowFile, definition: WorkflowDefinition | None, event: str,
    ref: str, sha: str, by: Account, shape: dict[str, Any], inputs: Mapping[str, Any] | None = None,
    pull: int | None = None,
) -> Run:  # fmt: skip
    """Make a run, queued."""
    world, faults = actions.github.world, actions.github.faults
    now, branch = world.clock.now(), ref.split("/", 2)[2] if not ref.startswith("refs/pull/") else None
    suite = CheckSuite(world.next_id(), world.actions_app.id, sha, branch, now)
    workflow.runs += 1
    title = where.git.log(sha, most=1)[0].message.split("\n", maxsplit=1)[0]
    run = Run(
        world.next_id(), workflow, definition, workflow.runs, event, sha, branch, ref, by, title, suite, shape, now, now,
        dict(inputs or {}), pull=pull,
    )  # fmt: skip
    if definition is not None and event == "workflow_dispatch":
        run.title = definition.name
    if faults.runs_vanish > 0:
        faults.runs_vanish -= 1
        return run
    if definition is not None and faults.runs_never_start > 0:
        faults.runs_never_start -= 1
        run.stuck = True
    where.check_suites[suite.id] = suite
    where.runs[run.id] = run
    try:
        _named(actions, where, run)
    except ExpressionError as failed:
        run.problem = str(failed)
        actions.finish(where, run, "startup_failure")
    world.emit("workflow_run", by, where, "requested", run=run)
    return run


def _named(actions: Actions, where: Repository, run: Run) -> None:
    data = run.definition.data if run.definition else {}
    context = contexts.of_run(actions.github.world, where, run)
    if data.get("run-name"):
        run.title = written(filled(written(data["run-name"]), context))
    if data.get("concurrency"):
        given = data["concurrency"]
        group = given if isinstance(given, str) else given["group"]
        run.group = written(filled(written(group), context)).lower() or None


def again(actions: Actions, where: Repository, run: Run, by: Account, *, failed_only: bool = False) -> None:
    """Re-run all jobs, or those that failed and what stands on them. Raises Refusal 403."""
    if not run.done:
        raise Refusal(403, "This workflow is already running")
    if run.definition is None:
        raise Refusal(403, "The workflow run cannot be retried")
    if run.attempt >= MOST_ATTEMPTS:
        raise Refusal(403, f"This workflow run cannot be re-run more than {MOST_ATTEMPTS} times")
    good = {key for key in run.expanded if contexts.result_of(run, key) == "success"} if failed_only else set()
    kept = [dataclasses.replace(one, attempt=run.attempt + 1) for one in run.current() if one.key in good]
    run.attempt += 1
    run.jobs += kept
    run.expanded, run.skipped = set(good), set()
    run.status, run.conclusion, run.cancelled, run.forced, run.announced = "queued", None, False, False, False
    run.started_at = None
    run.updated_at = actions.github.world.clock.now()
    actions.github.world.emit("workflow_run", by, where, "requested", run=run)
