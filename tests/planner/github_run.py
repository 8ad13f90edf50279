"""A run of a rendered CI file: its first job's own scripts for real, the order of all other jobs as GitHub decides it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from planner.ci.matrix import matrix, matrix_entries
from planner.definition import Environment, Tool, Workflow
from planner.problems import Place
from planner.slugs import slugs
from tests.github.actions.expressions import STATUS_FUNCTIONS, condition, filled

Settings = Mapping[str, Mapping[str, Any]]


def workflow_of(needs: Mapping[str, Sequence[str]], settings: Settings | None = None, name: str = "shop") -> Workflow:
    """A workflow of Terraform environments with these needs; `settings` holds other fields by alias."""
    file = f"{name}/headwater.yml"
    return Workflow(
        file,
        name,
        tuple(
            Environment(
                **{
                    "alias": alias,
                    "slug": slug,
                    "place": Place(file),
                    "path": f"infra/{slug}",
                    "tool": Tool.TERRAFORM,
                    "needs": tuple(needs[alias]),
                    **(settings or {}).get(alias, {}),
                }
            )
            for alias, slug in slugs(list(needs)).items()
        ),
    )


def read(text: str) -> dict[str, Any]:
    """The rendered file as data; every scalar stays text (`on` too)."""
    found: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    return found


@dataclass
class Run:
    """What became of each job, and which environments ran, in order."""

    results: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    legs: dict[str, int] = field(default_factory=dict)
    green: bool = False


@dataclass(frozen=True)
class GitHub:
    """Where the scripts of a job run. `headwater` there answers `matrix` with what the planner makes of `affected`."""

    folder: Path

    def first_job(
        self, file: Mapping[str, Any], workflows: Sequence[Workflow], affected: Collection[str], event: str
    ) -> dict[str, str]:
        """The outputs of the job `affected`, from running its step `matrix` as it is."""
        job = file["jobs"]["affected"]
        step = next(step for step in job["steps"] if step.get("id") == "matrix")
        for one in workflows:
            answer = matrix([entry for entry in matrix_entries(one) if entry.environment in affected])
            (self.folder / f"{one.name}.json").write_text(json.dumps(answer))
        self.program("headwater", f'cat "{self.folder}/$2.json"')
        context = {"github": {"event_name": event}, "steps": {}, "secrets": {"HEADWATER_DATABASE_URL": "postgresql:"}}
        done = self.script(step, context, event, [sys.executable, "-c"])
        assert done.returncode == 0, done.stderr
        outputs = dict(line.split("=", 1) for line in (self.folder / "output").read_text().splitlines())
        context = {"steps": {"matrix": {"outputs": outputs}}}
        return {name: filled(text, context) or "" for name, text in job["outputs"].items()}

    def program(self, name: str, script: str) -> None:
        """Put a program on the path of the scripts."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def script(
        self,
        step: Mapping[str, Any],
        context: Mapping[str, Any],
        event: str = "push",
        shell: Sequence[str] = ("bash", "-eo", "pipefail", "-c"),
        **more: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run the `run:` of a step with its `env:`."""
        output = self.folder / "output"
        output.write_text("")
        given = {name: filled(text, context) or "" for name, text in step.get("env", {}).items()}
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        github = {"GITHUB_EVENT_NAME": event, "GITHUB_OUTPUT": str(output), "RUNNER_TEMP": str(self.folder)}
        environment = {**given, **github, "PATH": path, **more}
        return subprocess.run(
            [*shell, step["run"]], env=environment, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def run(
        self,
        text: str,
        workflows: Sequence[Workflow],
        affected: Collection[str],
        outcome: Callable[[str], str] = lambda alias: "success",
        event: str = "push",
        cancelled_during: str | None = None,
    ) -> Run:
        """Run a rendered file to its end. `outcome` says how the job of an environment ends, if it starts.

        `cancelled_during` is the environment in whose job somebody cancels the run.
        """
        file = read(text)
        outputs = {"affected": self.first_job(file, workflows, affected, event)}
        run = Run({"affected": "success"})
        for name, job in file["jobs"].items():
            if name in run.results:
                continue
            needs = [job["needs"]] if isinstance(job["needs"], str) else job["needs"]
            context = {
                "needs": {one: {"result": run.results[one], "outputs": outputs.get(one, {})} for one in needs},
                "github": {"event_name": event},
                "cancelled": cancelled_during in run.ran,
            }
            if not starts(job.get("if"), context):
                run.results[name] = "skipped"
            elif name == "result":
                run.green = self.script(job["steps"][0], context).returncode == 0
            else:
                aliases = list(environments_of(job, context))
                run.legs[name] = len(aliases)
                run.ran += aliases
                run.results[name] = worst(map(outcome, aliases))
        return run


def starts(text: str | None, context: Mapping[str, Any]) -> bool:
    """Whether a job starts: without a status function, all that it needs must have succeeded as well."""
    if text is not None and re.search(rf"\b({'|'.join(STATUS_FUNCTIONS)})\(", text):
        return condition(text if "${{" in text else f"${{{{ {text} }}}}", context)
    succeeded = all(one["result"] == "success" for one in context["needs"].values())
    return succeeded and (text is None or condition(text if "${{" in text else f"${{{{ {text} }}}}", context))


def environments_of(job: Mapping[str, Any], context: Mapping[str, Any]) -> list[str]:
    """The aliases that the legs of a job are given, exactly as its last step sees them."""
    legs: list[dict[str, Any]] = [{}]
    if "strategy" in job:
        legs = filled(job["strategy"]["matrix"], context)["include"]
        assert 0 < len(legs) <= 256
    return [filled(job["steps"][-1]["env"]["HEADWATER_ENVIRONMENT"], {**context, "matrix": leg}) for leg in legs]


def worst(results: Any) -> str:
    """What GitHub says of a matrix whose legs ended like this."""
    found = set(results)
    return next(one for one in ("failure", "cancelled", "success") if one in found)
