"""One attempt from claim to report: check out, plan, decide, apply, read the outputs, tidy up."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from bot.runner.accept import may_apply, unseen_paths
from bot.runner.channel import seal_context
from bot.runner.checkout import check_out, clean, environment_folder
from bot.runner.environment import tool_environment
from bot.runner.failure import RunnerError, Stop, StoppedError
from bot.runner.fetch import fetched
from bot.runner.log import Log
from bot.runner.plan import Plan
from bot.runner.redact import Redactor
from bot.runner.seal import seal
from bot.runner.spec import Fetch, Kind, Spec
from bot.runner.supervise import Supervisor
from bot.runner.tools import tool
from bot.runner.tools.base import DEEPEST, Output, Tool, fits_as_value
from bot.runner.workplace import Workplace

_ERROR_TAIL = 4000


class Result(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    NO_CHANGES = "no changes"
    NEEDS_APPROVAL = "needs approval"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Course:
    """What is known of an attempt as it goes; whatever happens, this much can be reported."""

    result: Result = Result.FAILED
    error: str | None = None
    plan: Plan | None = None
    applied: bool = False
    outputs: Mapping[str, Output] | None = None
    plan_duration: float | None = None
    started: float = field(default_factory=time.monotonic)


def _no_stage(_: str) -> None:
    """Nobody follows from stage to stage."""


def run(
    spec: Spec, folder: Path, supervisor: Supervisor, log: Log, stage: Callable[[str], None] = _no_stage
) -> dict[str, Any]:
    """Do the attempt, which must be claimed, and return its report; raises nothing that it could report.

    `stage` is told what begins now, in a word or two.
    """
    course = Course()
    try:
        _follow(spec, folder, supervisor, course, stage)
    except StoppedError as stopped:
        course.result = Result.TIMED_OUT if stopped.reason is Stop.TIMEOUT else Result.CANCELLED
        course.error = _stopped_text(stopped.reason, spec, applied=course.applied)
    except RunnerError as error:
        course.result, course.error = Result.FAILED, _with_log(str(error), log)
    except Exception:  # noqa: BLE001  the outermost edge: told with its traceback
        import traceback  # noqa: PLC0415  (an eighth of the runner's start, and seldom needed)

        course.result = Result.FAILED
        course.error = f"Headwater's runner failed; this is a defect of its own:\n{traceback.format_exc()}"
    report = _report(spec, course)
    log.finish(_hidden(course.outputs))
    with suppress(OSError):  # what is left is removed by whoever takes the report
        clean(folder)
    report["duration"] = time.monotonic() - course.started
    return report


def never_begun(attempt: str, error: str) -> dict[str, Any]:
    """The report of an attempt that was claimed and cannot even begin."""
    nothing = dict.fromkeys(("plan", "outputs", "plan_duration"))
    return {
        "attempt": attempt,
        "result": Result.FAILED.value,
        "error": error,
        "applied": False,
        "duration": 0.0,
        **nothing,
    }


def _follow(spec: Spec, folder: Path, supervisor: Supervisor, course: Course, stage: Callable[[str], None]) -> None:
    stage("checkout")
    acting = _acting(spec, folder, supervisor)
    if spec.kind is Kind.UNLOCK:
        stage("unlock")
        acting.prepare()
        acting.unlock(spec.state_lock or "")
        course.result = Result.SUCCEEDED
        return
    stage("plan")
    acting.prepare()
    before = time.monotonic()
    plan = course.plan = acting.plan()
    course.plan_duration = time.monotonic() - before
    if plan.empty:
        course.result = Result.NO_CHANGES
    elif spec.kind.only_plans:
        course.result = Result.SUCCEEDED
        return
    elif not may_apply(plan, spec.accept, spec.ignore_differences):
        course.result = Result.NEEDS_APPROVAL
        return
    else:
        stage("destroy" if spec.kind.destroys else "apply")
        course.applied = True
        acting.apply()
        course.result = Result.SUCCEEDED
    stage("outputs")
    supervisor.close()
    course.outputs = {} if spec.kind.destroys else _outputs(acting, spec)


def _acting(spec: Spec, folder: Path, supervisor: Supervisor) -> Tool:
    kind = tool(spec.tool)
    environment = tool_environment(os.environ, spec.variables, spec.correlation)
    scratch = folder / "scratch"
    scratch.mkdir(mode=0o700)
    mirror = spec.mirror or fetched(supervisor, _source(spec), spec.commit, folder)
    work = check_out(supervisor, mirror, spec.commit, folder)
    return kind(Workplace(spec, environment_folder(work, spec.path), scratch, environment, supervisor))


def _source(spec: Spec) -> Fetch:
    assert spec.fetch is not None  # noqa: S101  (a spec has one where it has no mirror)
    return spec.fetch


def _outputs(acting: Tool, spec: Spec) -> dict[str, Output]:
    """The outputs; one that holds a sensitive value is sensitive, whatever the tool says of it."""
    redactor = Redactor(spec.sensitive_values)

    def hides(value: object) -> bool:
        text = json.dumps(value, ensure_ascii=False)
        return redactor.redact(text) != text

    found = sorted(acting.outputs().items())
    if unfit := [name for name, one in found if not fits_as_value(one.value)]:
        raise RunnerError(f"The output {unfit[0]!r} is nested more than {DEEPEST} deep. Give out less of it.")
    return {name: Output(one.value, one.sensitive or hides(one.value)) for name, one in found}


def _hidden(outputs: Mapping[str, Output] | None) -> list[object]:
    return [one.value for one in (outputs or {}).values() if one.sensitive]


def _report(spec: Spec, course: Course) -> dict[str, Any]:
    redactor = Redactor((*spec.sensitive_values, *_hidden(course.outputs)))
    plan = course.plan.shown_with(redactor.redact) if course.plan else None
    return {
        "attempt": spec.attempt,
        "result": course.result.value,
        "error": None if course.error is None else redactor.redact(course.error),
        "plan": None if plan is None else _plan(plan, spec),
        "applied": course.applied,
        "outputs": None
        if course.outputs is None
        else {name: _sealed(name, one, spec) for name, one in course.outputs.items()},
        "plan_duration": course.plan_duration,
    }


def _plan(plan: Plan, spec: Spec) -> dict[str, Any]:
    counts = asdict(plan.counts) if plan.counts else {}
    counts["import"] = counts.pop("imported", 0)
    names = ("add", "change", "destroy", "replace", "move", "import", "outputs_changed")
    changes = [
        {"address": one.address, "actions": list(one.actions)} | ({"previous": one.previous} if one.previous else {})
        for one in plan.changes
    ]
    return {
        **{name: counts.get(name, 0) for name in names},
        "changes": changes,
        "text": plan.text,
        "digest": plan.digest,
        "leaves": plan.leaf_map,
        "unseen": [] if spec.accept.shown is None else list(unseen_paths(plan, spec.accept.shown)),
    }


def _sealed(name: str, output: Output, spec: Spec) -> dict[str, Any]:
    if not output.sensitive:
        return {"value": output.value, "sensitive": False}
    sealed = seal(output.value, spec.seal_key, seal_context(spec.attempt, name))
    return {"value": None, "sensitive": True, "sealed": sealed}


def _with_log(message: str, log: Log) -> str:
    """The message with what the tool said last, which is mostly why."""
    while log.follow():
        pass
    said = log.tail[-_ERROR_TAIL:].strip()
    if "Error:" in said:
        said = said[said.index("Error:") :]
    return f"{message}\n\n{said}" if said else message


def _stopped_text(reason: Stop, spec: Spec, *, applied: bool) -> str:
    first = f"It took longer than its timeout of {spec.timeout:g} s." if reason is Stop.TIMEOUT else "It was cancelled."
    then = (
        "It had begun to apply: what it changed until then stays; plan again to see what is left."
        if applied
        else "Nothing was applied."
    )
    return f"{first} {then}"
