"""The actions that are played: checkout, setup-python, artifacts, composite ones of the repository, and registered ones."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.github.actions import contexts
from tests.github.actions.definition import StepDefinition
from tests.github.actions.expressions import condition, filled, has_status_function, truth, written
from tests.github.actions.runs import Artifact
from tests.github.actions.yaml_values import InvalidWorkflow, read
from tests.github.world.git_store import clean_environment

if TYPE_CHECKING:
    from tests.github.actions.worker import Worker

ARTIFACT_DAYS = 90
CHECKOUT = {
    "repository", "ref", "token", "path", "fetch-depth", "persist-credentials", "clean", "fetch-tags", "submodules",
    "show-progress", "sparse-checkout", "filter",
}  # fmt: skip
SETUP_PYTHON = {"python-version", "python-version-file", "cache", "architecture", "check-latest"}
UPLOAD = {
    "name",
    "path",
    "if-no-files-found",
    "retention-days",
    "overwrite",
    "include-hidden-files",
    "compression-level",
}
DOWNLOAD = {"name", "path", "pattern", "merge-multiple"}
COMPOSITE_STEP = {"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error"}


class ActionFailed(Exception):  # noqa: N818 what became of a step
    """A step with `uses` failed; `outputs` are what it had said by then."""

    def __init__(self, message: str, outputs: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.outputs = outputs or {}


def use(worker: Worker, definition: StepDefinition, env: dict[str, str]) -> dict[str, str]:
    """Run an action; gives its outputs. Raises ActionFailed."""
    name = str(definition.data["uses"])
    context = worker.context()
    context["env"] = {**context["env"], **env}
    given = contexts.texts(definition.data.get("with"), context)
    if name.startswith("./"):
        return _composite(worker, worker.workspace / name, given, env)
    action = name.partition("@")[0]
    known: dict[str, tuple[Callable[..., dict[str, str]], set[str]]] = {
        "actions/checkout": (_checkout, CHECKOUT),
        "actions/setup-python": (_setup_python, SETUP_PYTHON),
        "actions/upload-artifact": (_upload, UPLOAD),
        "actions/download-artifact": (_download, DOWNLOAD),
    }
    if action in worker.actions.more:
        return worker.actions.more[action](worker, given)
    if action not in known:
        raise ActionFailed(f"The action '{name}' is not played by the GitHub on localhost")
    function, inputs = known[action]
    unknown = sorted(set(given) - inputs)
    if unknown:
        raise ActionFailed(f"Unexpected input(s) {', '.join(map(repr, unknown))}, valid inputs are {sorted(inputs)}")
    return function(worker, given)


def _git(worker: Worker, folder: Path, *arguments: str, token: str = "") -> str:
    environment = clean_environment(GIT_TERMINAL_PROMPT="0")
    if token:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        environment |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        }
    done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ActionFailed(f"The process 'git' failed with exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


def _checkout(worker: Worker, given: dict[str, str]) -> dict[str, str]:
    run, own = worker.job.run, worker.where.full_name
    repository = given.get("repository") or own
    ref = given.get("ref") or (run.head_sha if repository == own else "HEAD")
    folder = (worker.workspace / given.get("path", "")).resolve()
    if not folder.is_relative_to(worker.workspace.resolve()):
        raise ActionFailed(f"Repository path '{folder}' is not under '{worker.workspace}'")
    for asked in ("submodules", "sparse-checkout"):
        if given.get(asked) not in (None, "", "false"):
            raise ActionFailed(f"'{asked}' of actions/checkout is not played by the GitHub on localhost")
    folder.mkdir(parents=True, exist_ok=True)
    token, depth = given.get("token") or worker.token, int(given.get("fetch-depth") or 1)
    url = f"{worker.world.url}/{repository}"
    if not (folder / ".git").exists():
        _git(worker, folder, "init", "-q")
        _git(worker, folder, "remote", "add", "origin", url)
    limit = [f"--depth={depth}"] if depth else []
    if not depth:
        _git(
            worker,
            folder,
            "fetch",
            "-q",
            "--tags",
            "--prune",
            "origin",
            "+refs/heads/*:refs/remotes/origin/*",
            token=token,
        )
    _git(worker, folder, "fetch", "-q", "--no-tags", *limit, "origin", ref, token=token)
    branch = (
        run.head_branch if repository == own and not given.get("ref") and run.ref.startswith("refs/heads/") else None
    )
    _git(worker, folder, "checkout", "-q", "--force", *(["-B", branch, "FETCH_HEAD"] if branch else ["FETCH_HEAD"]))
    if given.get("persist-credentials", "true") != "false":
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        _git(worker, folder, "config", f"http.{worker.world.url}/.extraheader", f"AUTHORIZATION: basic {basic}")
    return {"ref": ref, "commit": _git(worker, folder, "rev-parse", "HEAD")}


def _setup_python(worker: Worker, given: dict[str, str]) -> dict[str, str]:
    folder = Path(sys.executable).parent
    worker.path.append(str(folder))
    worker.log.line(
        f"Whatever version was asked for ({given.get('python-version', 'none')}), this is {sys.version.split()[0]}"
    )
    worker.env["pythonLocation"] = str(folder.parent)
    return {"python-version": sys.version.split()[0], "python-path": sys.executable, "cache-hit": "false"}


def _files(worker: Worker, patterns: str) -> list[Path]:
    found: dict[Path, None] = {}
    for line in filter(None, map(str.strip, patterns.splitlines())):
        if line.startswith("!"):
            found = {one: None for one in found if not fnmatch(str(one), str(worker.workspace / line[1:]))}
            continue
        place = worker.workspace / line
        root = Path("/")
        matched = [place] if place.exists() else list(root.glob(str(place).lstrip("/")))
        for one in matched:
            inner = sorted(one.rglob("*")) if one.is_dir() else [one]
            found.update(dict.fromkeys(each for each in inner if each.is_file()))
    return list(found)


def _upload(worker: Worker, given: dict[str, str]) -> dict[str, str]:
    name, files = given.get("name") or "artifact", _files(worker, given.get("path", ""))
    if given.get("include-hidden-files") != "true":
        files = [
            one for one in files if not any(part.startswith(".") for part in one.relative_to(worker.workspace).parts)
        ]
    if not files:
        if given.get("if-no-files-found") == "error":
            raise ActionFailed(f"No files were found with the provided path: {given.get('path')}.")
        worker.log.warn(
            f"No files were found with the provided path: {given.get('path')}. No artifacts will be uploaded."
        )
        return {}
    common = Path(os.path.commonpath([one.parent for one in files]))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in files:
            archive.write(one, str(one.relative_to(common)))
    data, run, world = buffer.getvalue(), worker.job.run, worker.world
    with world.lock:
        known = [one for one in worker.where.artifacts.values() if (one.run, one.name) == (run.id, name)]
        if known and given.get("overwrite") != "true":
            raise ActionFailed(
                "Failed to CreateArtifact: Received non-retryable error: (409) Conflict: an artifact with this name already exists on the workflow run"
            )
        for one in known:
            del worker.where.artifacts[one.id]
        now = world.clock.now()
        digest = hashlib.sha256(data).hexdigest()
        made = Artifact(world.next_id(), name, run.id, data, digest, now, now + timedelta(days=ARTIFACT_DAYS))
        worker.where.artifacts[made.id] = made
    return {"artifact-id": str(made.id), "artifact-digest": digest}


def _download(worker: Worker, given: dict[str, str]) -> dict[str, str]:
    folder = worker.workspace / given.get("path", "")
    with worker.world.lock:
        found = [one for one in worker.where.artifacts.values() if one.run == worker.job.run.id]
    if given.get("name"):
        found = [one for one in found if one.name == given["name"]]
        if not found:
            raise ActionFailed(f"Unable to download artifact(s): Artifact not found for name: {given['name']}")
    if given.get("pattern"):
        found = [one for one in found if fnmatch(one.name, given["pattern"])]
    for one in found:
        flat = given.get("name") or given.get("merge-multiple") == "true"
        place = folder if flat else folder / one.name
        place.mkdir(parents=True, exist_ok=True)
        zipfile.ZipFile(io.BytesIO(one.data)).extractall(place)
    return {"download-path": str(folder)}


def _composite(worker: Worker, folder: Path, given: dict[str, str], env: dict[str, str]) -> dict[str, str]:
    file = next((folder / name for name in ("action.yml", "action.yaml") if (folder / name).is_file()), None)
    if file is None:
        raise ActionFailed(
            f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{folder}'. Did you forget to run actions/checkout before running your local action?"
        )
    try:
        action = read(str(file), file.read_text()).plain()
    except InvalidWorkflow as failed:
        raise ActionFailed(str(failed)) from failed
    if (action.get("runs") or {}).get("using") != "composite":
        raise ActionFailed(f"Only composite actions are played by the GitHub on localhost, not {action.get('runs')!r}")
    unknown = sorted(set(given) - set(action.get("inputs") or {}))
    if unknown:
        raise ActionFailed(f"Unexpected input(s) {', '.join(map(repr, unknown))}")
    inputs = {
        name: given.get(name, written((one or {}).get("default"))) for name, one in (action.get("inputs") or {}).items()
    }
    return _steps_of(worker, folder, action, inputs, env)


def _steps_of(
    worker: Worker, folder: Path, action: dict[str, Any], inputs: dict[str, str], env: dict[str, str]
) -> dict[str, str]:
    outer = (worker.base, worker.steps, worker.env, worker.github, worker.secrets, worker.failed)
    worker.base = {**worker.base, "inputs": {name: filled(text, worker.context()) for name, text in inputs.items()}}
    worker.steps, worker.secrets, worker.failed = {}, {}, False
    worker.env = {**worker.env, **env}
    worker.github = {**worker.github, "action_path": str(folder)}
    try:
        for one in action["runs"].get("steps") or []:
            _composite_step(worker, StepDefinition(one), folder)
        context = worker.context()
        outputs = {
            name: written(filled(written(each.get("value", "")), context))
            for name, each in (action.get("outputs") or {}).items()
        }
        failed = worker.failed
    finally:
        made = worker.env
        worker.base, worker.steps, worker.env, worker.github, worker.secrets, worker.failed = outer
        worker.env.update({name: text for name, text in made.items() if env.get(name) != text})
    if failed:
        raise ActionFailed("A step of the action failed", outputs)
    return outputs


def _composite_step(worker: Worker, step: StepDefinition, folder: Path) -> None:
    unknown = sorted(set(step.data) - COMPOSITE_STEP)
    if unknown or ("run" in step.data) == ("uses" in step.data):
        raise ActionFailed(f"A step of {folder.name} is not valid: unexpected {unknown or 'or missing run or uses'}")
    if "run" in step.data and "shell" not in step.data:
        raise ActionFailed("Required property is missing: shell")
    text, context = str(step.data.get("if", "success()")), worker.context()
    wanted = condition(text, context)
    if not (wanted if has_status_function(text) else wanted and condition("success()", context)):
        return
    outputs, outcome = worker.execute(step)
    tolerated = truth(step.data.get("continue-on-error", False))
    if "id" in step.data:
        worker.steps[str(step.data["id"])] = {"outcome": outcome, "conclusion": outcome, "outputs": outputs}
    worker.failed = worker.failed or (outcome == "failure" and not tolerated)
