"""One job on this machine: a thread that runs its steps as processes, with what GitHub gives them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.github.actions import contexts, uses
from tests.github.actions.commands import Files, Log
from tests.github.actions.definition import StepDefinition
from tests.github.actions.expressions import ExpressionError, condition, filled, has_status_function, truth, written
from tests.github.actions.runs import Job, Step
from tests.github.actions.uses import ActionFailed
from tests.github.world.repository import Repository

if TYPE_CHECKING:
    from tests.github.actions.engine import Actions

SHELLS = {
    "bash": ("bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"),
    "sh": ("sh", "-e", "{0}"),
    "python": (sys.executable, "{0}"),
}
DEFAULT_SHELL = ("bash", "-e", "{0}")
DEFAULT_PERMISSIONS = {"contents": "read", "packages": "read", "metadata": "read"}
DEFAULT_MINUTES = 360


class Lost(Exception):  # noqa: N818 what became of the machine
    """The machine of this job is gone."""


class Worker(threading.Thread):
    """Runs one job."""

    def __init__(self, actions: Actions, where: Repository, job: Job) -> None:
        super().__init__(name=f"job {job.id}", daemon=True)
        self.actions, self.where, self.job = actions, where, job
        self.world = actions.github.world
        self.folder = self.world.folder / "runners" / str(job.id)
        self.workspace = self.folder / "work" / where.name / where.name
        self.temp = self.folder / "temp"
        self.log = Log(job)
        self.env: dict[str, str] = {}
        self.path: list[str] = []
        self.steps: dict[str, dict[str, Any]] = {}
        self.failed = False
        self.timed_out = False
        self.gone = False
        self.noticed = threading.Event()  # that it is gone
        self.noticed.set()
        self.process: subprocess.Popen[bytes] | None = None
        self.deadline = float("inf")
        self.began_cancelled = False
        self.token = ""
        self.secrets: dict[str, str] = {}

    def lose(self) -> None:
        """Pull the plug."""
        self.gone = True
        process = self.process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def vanish(self) -> None:
        """Pull the plug of the machine and of its line: GitHub takes the job for running until that is noticed."""
        self.noticed.clear()
        self.lose()

    def run(self) -> None:
        """The whole job."""
        try:
            conclusion = self._job()
        except Lost:
            self.noticed.wait()
            self.log.error("The hosted runner lost communication with the server.")
            conclusion = "failure"
        except Exception:  # noqa: BLE001 our own mistake: the test is told, the job fails
            self.actions.github.errors.append(traceback.format_exc())
            conclusion = "failure"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.job.conclusion = conclusion
        self.actions.ended(self.where, self.job)

    def _job(self) -> str:
        self.workspace.mkdir(parents=True)
        self.temp.mkdir(parents=True)
        with self.world.lock:
            self._prepare()
        data = self.job.definition.data
        minutes = float(self._value(data.get("timeout-minutes"), DEFAULT_MINUTES))
        self.deadline = time.monotonic() + minutes * self.actions.minute
        self._mark(self.job.steps[0], "success")
        try:
            self.env.update(
                contexts.texts(
                    (self.job.run.definition.data if self.job.run.definition else {}).get("env"), self.context()
                )
            )
            self.env.update(contexts.texts(data.get("env"), self.context()))
        except ExpressionError as failed:
            self.log.error(str(failed))
            return "failure"
        for definition, step in zip(self.job.definition.steps, self.job.steps[1:], strict=True):
            self._step(definition, step)
        if not self.cancelled:
            self._outputs()
        if self.timed_out or self.failed:
            return "failure" if not self.timed_out else "cancelled"
        return "cancelled" if self.cancelled else "success"

    @property
    def cancelled(self) -> bool:
        """Whether the job is to stop."""
        return self.job.stopping or self.timed_out

    def _prepare(self) -> None:
        run, where = self.job.run, self.where
        permissions = self.permissions()
        self.token = self.world.job_token(where, permissions, run.id)
        environment = where.environments.get((self.job.environment or "").lower())
        foreign = run.pull is not None and where.pulls[run.pull].head_repository is not where
        self.secrets = {} if foreign else {**where.secrets, **(environment.secrets if environment else {})}
        self.variables = {**where.variables, **(environment.variables if environment else {})}
        self.log.masks += [text for text in (*self.secrets.values(), self.token) if text]
        self.identity = {}
        if permissions.get("id_token") == "write" and not foreign:
            self.identity = self.actions.issuer.admit(where, self.job)
            self.log.masks.append(self.identity["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
        self.github = contexts.of_github(self.world, where, run, self.job, self.token)
        self.github["workspace"] = str(self.workspace)
        self.base = contexts.of_job(self.world, where, run, self.job.key, self.job.matrix)
        (self.temp / "event.json").write_text(json.dumps(run.payload))

    def permissions(self) -> dict[str, str]:
        """What the job's GITHUB_TOKEN may do."""
        run, data = self.job.run, self.job.definition.data
        given = data.get("permissions", (run.definition.data if run.definition else {}).get("permissions"))
        if given is None:
            return dict(DEFAULT_PERMISSIONS)
        if isinstance(given, str):
            level = given.removesuffix("-all")
            names = ("actions", "checks", "contents", "deployments", "issues", "packages", "pull_requests", "statuses")
            found = {"metadata": "read", **dict.fromkeys(names, level)}
            return {**found, "id_token": "write"} if level == "write" else found
        return {"metadata": "read", **{name.replace("-", "_"): level for name, level in given.items()}}

    def context(self) -> dict[str, Any]:
        """What a step's expressions see."""
        state = "cancelled" if self.cancelled else "failure" if self.failed else "success"
        return {
            **self.base,
            "github": self.github,
            "env": dict(self.env),
            "job": {"status": state, "check_run_id": self.job.id},
            "steps": self.steps,
            "runner": {
                "os": "Linux", "arch": "X64", "name": f"localhost {self.job.id}", "temp": str(self.temp),
                "tool_cache": str(self.folder / "tools"), "environment": "github-hosted", "debug": "",
            },
            "secrets": {**self.secrets, "GITHUB_TOKEN": self.token},
            "vars": self.variables,
            "strategy": {
                "fail-fast": (self.job.definition.data.get("strategy") or {}).get("fail-fast", True),
                "job-index": self.job.leg, "job-total": self.job.legs, "max-parallel": self.job.legs,
            },
            "cancelled": self.cancelled,
            "failed": self.failed,
            "skipped": False,
        }  # fmt: skip

    def _value(self, given: Any, default: Any) -> Any:
        if given is None:
            return default
        return filled(given, self.context()) if isinstance(given, str) else given

    def _outputs(self) -> None:
        for name, text in (self.job.definition.data.get("outputs") or {}).items():
            found = written(filled(written(text), self.context()))
            if any(mask in found for mask in self.log.masks if mask):
                self.log.warn(f"Skip output '{name}' since it may contain secret.")
            else:
                self.job.outputs[name] = found

    def _mark(self, step: Step, conclusion: str | None) -> None:
        now = self.world.clock.now()
        step.started_at = step.started_at or now
        step.status = "completed" if conclusion else "in_progress"
        step.conclusion, step.completed_at = conclusion, now if conclusion else None

    def _step(self, definition: StepDefinition, step: Step) -> None:
        if self.gone:
            raise Lost
        self.began_cancelled = self.cancelled
        try:
            if not self._wanted(definition):
                self._mark(step, "skipped")
                self._remember(definition, "skipped", "skipped", {})
                return
            self._mark(step, None)
            self._die_if_asked()
            outputs, outcome = self.execute(definition)
            tolerated = truth(self._value(definition.data.get("continue-on-error"), False))
        except ExpressionError as failed:
            self.log.error(f"The template is not valid. {failed}")
            outputs, outcome, tolerated = {}, "failure", False
        if self.gone:
            raise Lost
        conclusion = "success" if outcome == "failure" and tolerated else outcome
        self.failed = self.failed or conclusion == "failure"
        self._mark(step, conclusion)
        self._remember(definition, outcome, conclusion, outputs)

    def _wanted(self, definition: StepDefinition) -> bool:
        text = str(definition.data.get("if", "success()"))
        context = self.context()
        wanted = condition(text, context)
        return wanted if has_status_function(text) else wanted and condition("success()", context)

    def _remember(self, definition: StepDefinition, outcome: str, conclusion: str, outputs: dict[str, str]) -> None:
        if "id" in definition.data:
            self.steps[str(definition.data["id"])] = {"outcome": outcome, "conclusion": conclusion, "outputs": outputs}

    def _die_if_asked(self) -> None:
        deaths = self.actions.github.faults.jobs_die
        for pattern in list(deaths):
            if pattern.search(self.job.name):
                deaths.remove(pattern)
                self.gone = True
                raise Lost

    def execute(self, definition: StepDefinition) -> tuple[dict[str, str], str]:
        """Run one step, or one of a composite action; gives its outputs and outcome."""
        env = contexts.texts(definition.data.get("env"), self.context())
        self.log.line(f"##[group]{written(filled(definition.name, self.context()))}")
        if "uses" in definition.data:
            try:
                return uses.use(self, definition, env), "cancelled" if self.cancelled else "success"
            except ActionFailed as failed:
                self.log.error(str(failed))
                return failed.outputs, "cancelled" if self.cancelled else "failure"
        return self._script(definition, env)

    def _script(self, definition: StepDefinition, env: dict[str, str]) -> tuple[dict[str, str], str]:
        run = self.job.run.definition.data if self.job.run.definition else {}
        defaults = {
            **((run.get("defaults") or {}).get("run") or {}),
            **((self.job.definition.data.get("defaults") or {}).get("run") or {}),
        }
        context = self.context()
        context["env"] = {**context["env"], **env}
        shell = definition.data.get("shell") or defaults.get("shell")
        command = SHELLS.get(str(shell)) if shell else DEFAULT_SHELL
        if command is None:
            self.log.error(f"The shell '{shell}' is not played by the GitHub on localhost")
            return {}, "failure"
        folder = self.workspace / written(
            filled(
                written(definition.data.get("working-directory") or defaults.get("working-directory") or "."), context
            )
        )
        script = self.temp / f"{self.world.next_id()}{'.py' if shell == 'python' else '.sh'}"
        script.write_text(written(filled(written(definition.data["run"]), context)))
        minutes = self._value(definition.data.get("timeout-minutes"), DEFAULT_MINUTES)
        if not folder.is_dir():
            self.log.error(f"No such directory: {folder}")
            return {}, "failure"
        return self.process_of([part.replace("{0}", str(script)) for part in command], folder, env, float(minutes))

    def process_of(
        self, command: list[str], folder: Path, env: dict[str, str], minutes: float
    ) -> tuple[dict[str, str], str]:  # fmt: skip
        """Run a process as a step; gives its outputs and outcome."""
        files = Files(self.temp)
        given = {**self._base_environment(), **self.env, **env, **files.variables()}
        limit = min(self.deadline, time.monotonic() + minutes * self.actions.minute)
        self.process = subprocess.Popen(
            command, cwd=folder, env=given, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        if self.gone:  # while it was started
            self.lose()
        reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        reader.start()
        outcome = self._wait(self.process, limit)
        reader.join(1.0)
        self.process = None
        found = files.collect(self)
        return found, outcome

    def _read(self, stream: Any) -> None:
        with contextlib.suppress(ValueError, OSError):
            for line in stream:
                self.log.told(line.decode(errors="replace").rstrip("\r\n"))

    def _wait(self, process: subprocess.Popen[bytes], limit: float) -> str:
        grace: float | None = None
        asked_twice = False
        ignores = self.began_cancelled  # a step that begins after the cancel (`if: always()`) is let finish
        while process.poll() is None:
            now = time.monotonic()
            if now > limit and not self.timed_out and grace is None:
                self.log.error("The job running on this runner has exceeded the maximum execution time.")
                self.timed_out = now > self.deadline
                grace = self._interrupt(process, now)
            elif self.job.stopping and not ignores and grace is None:
                self.log.error("The operation was canceled.")
                grace = self._interrupt(process, now)
            elif grace is not None and not asked_twice and now > grace - self.actions.cancel_seconds / 4:
                asked_twice = True
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
            elif grace is not None and now > grace:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
        if grace is not None:
            return "cancelled" if self.job.stopping or self.timed_out else "failure"
        if process.returncode != 0:
            self.log.error(f"Process completed with exit code {process.returncode}.")
            return "failure"
        return "success"

    def _interrupt(self, process: subprocess.Popen[bytes], now: float) -> float:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)  # the first process alone, as GitHub's runner does it
        return now + self.actions.cancel_seconds

    def _base_environment(self) -> dict[str, str]:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        names = (
            "actor", "actor_id", "api_url", "base_ref", "event_name", "graphql_url", "head_ref", "job", "ref", "ref_name",
            "ref_type", "repository", "repository_id", "repository_owner", "repository_owner_id", "run_attempt",
            "run_id", "run_number", "server_url", "sha", "triggering_actor", "workflow", "workflow_ref",
            "workflow_sha", "workspace",
        )  # fmt: skip
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR", "TZ") if name in os.environ}
        return {
            **kept,
            "PATH": os.pathsep.join([*reversed(self.path), os.environ.get("PATH", os.defpath)]),
            "HOME": str(home),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"),
            **{f"GITHUB_{name.upper()}": written(self.github[name]) for name in names},
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_NAME": f"localhost {self.job.id}",
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_TOOL_CACHE": str(self.folder / "tools"),
            "RUNNER_ENVIRONMENT": "github-hosted",
            **self.identity,
        }
