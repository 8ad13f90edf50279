"""`headwater.pyz actions --attempt ID --key KEY`: one attempt in a job of GitHub Actions.

Exit codes: 0 reported (needs approval too), or the attempt is another's: nothing touched; 1 reported, and the attempt
did not succeed; 2 wrong use or surroundings; 5 the job's identity was not accepted; 6 the report was not heard;
7 nobody answered the claim. After 2, 5 and 7 nothing was touched.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.runner.attempt import Result, never_begun, run
from bot.runner.checkout import remove
from bot.runner.console import Console
from bot.runner.failure import RunnerError
from bot.runner.http_channel import HttpChannel, IdentityRefused, NotClaimed, NotHeard
from bot.runner.job import Job, forget_what_tools_wrote, keep_to_ourselves, take_job, with_job
from bot.runner.log import DEFAULT_LIMIT, Log
from bot.runner.log_upload import LogUpload
from bot.runner.redact import Redactor, texts_of
from bot.runner.spec import Spec, SpecError, read_spec
from bot.runner.summary import counted, headline, summary
from bot.runner.supervise import Supervisor

_GOOD = frozenset({Result.SUCCEEDED, Result.NO_CHANGES, Result.NEEDS_APPROVAL})
_MOST_LOG = DEFAULT_LIMIT - 4096
"""Bytes: with its note of what is left out, a log must not be larger than what the bot takes."""
_MOST_ERROR = 8000  # characters
_LAST_OF_LOG = 30.0  # seconds that the end of a log may take before the report
_BEAT = 10.0
_USAGE = "usage: python3 headwater.pyz actions --attempt ID --key KEY"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


@dataclass(slots=True)
class _Course:
    """What is known of a claimed attempt: what it is about, where it works, and its report once there is one."""

    name: str
    folder: Path | None = None
    report: dict[str, Any] | None = None


class _Wish:
    """Whether somebody wants this job to end; GitHub says so by a signal, which may come at any time."""

    def __init__(self) -> None:
        self.stop = False
        self.supervisor: Supervisor | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.end())

    def end(self) -> None:
        self.stop = True
        if self.supervisor is not None:
            self.supervisor.stop()

    def reaches(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        if self.stop:
            supervisor.stop()


def main(argv: Sequence[str]) -> int:
    """Do the attempt that the arguments name, and return the exit code."""
    console = Console(sys.stdout.buffer, _MOST_LOG)
    named = _named(argv)
    if named is None:
        sys.stderr.write(f"headwater runner: {_USAGE}\n")
        return 2
    try:
        job = take_job(os.environ)
    except RunnerError as error:
        console.error("Headwater", str(error))
        return 2
    keep_to_ourselves()
    console.mask((*job.secrets.values(), job.token, job.id_token))
    return _claimed(HttpChannel(job, *named), job, console, _Wish())


def _named(argv: Sequence[str]) -> tuple[str, str] | None:
    """The attempt and the key."""
    if len(argv) != 4 or (argv[0], argv[2]) != ("--attempt", "--key"):
        return None
    return (argv[1], argv[3]) if _WORD.fullmatch(argv[1]) and _WORD.fullmatch(argv[3]) else None


def _claimed(channel: HttpChannel, job: Job, console: Console, wish: _Wish) -> int:
    try:
        ours = channel.claim(lambda: wish.stop, console.say)
    except IdentityRefused as error:
        console.error("Headwater does not accept this job", f"{error}. Nothing was touched.")
        return 5
    except NotClaimed as error:
        console.error("Headwater did not answer", f"{error}. Nothing was touched; Headwater will start it again.")
        return 7
    if not ours:
        console.say(f"this attempt is not for this job ({channel.refusal}): there is nothing to do here.")
        return 0
    console.mask(channel.tokens)
    course = _Course(channel.attempt)
    try:
        _follow(course, channel, job, console, wish)
    except Exception:  # noqa: BLE001  the outermost edge: the attempt is ours, so whatever became of it is reported
        _tell_defect(course, channel, job, console)
    try:
        return _reported(channel, course, console)
    finally:
        _tidy(course.folder, console)


def _tell_defect(course: _Course, channel: HttpChannel, job: Job, console: Console) -> None:
    import traceback  # noqa: PLC0415  (seldom needed)

    text = Redactor((*job.secrets.values(), *channel.tokens)).redact(traceback.format_exc())
    why = f"Headwater's runner failed; this is a defect of its own:\n{text}"
    if course.report is None:
        course.report = never_begun(channel.attempt, why)
    else:
        console.warn("What was done is reported all the same", why)


def _tidy(folder: Path | None, console: Console) -> None:
    """Remove all that is left, but for a state that Terraform could not save."""
    if folder is None:
        return
    if (folder / "errored.tfstate").exists():
        console.warn("A state could not be saved", f"It is kept in {folder} until this machine begins its next job.")
        return
    with suppress(OSError):
        remove(folder)


def _follow(course: _Course, channel: HttpChannel, job: Job, console: Console, wish: _Wish) -> None:
    """Do the attempt; what is known of it is in its course, whatever happens."""
    try:
        told = read_spec(channel.spec)
        course.name = headline(told)
        spec = with_job(told, job, os.environ)
        course.folder = Path(tempfile.mkdtemp(prefix="headwater-", dir=job.temp))
    except SpecError as error:
        why = f"This runner does not understand what it was told: {error}. Is the bot of another version?"
        course.report = never_begun(channel.attempt, why)
        return
    except RunnerError as error:
        course.report = never_begun(channel.attempt, str(error))
        return
    except OSError as error:
        course.report = never_begun(channel.attempt, f"No folder can be made in {job.temp}: {error}. Is its disk full?")
        return
    console.mask(text for value in spec.sensitive_values for text in texts_of(value))
    cause = f", correlation {spec.correlation}" if spec.correlation else ""
    console.say(f"{course.name} (attempt {channel.attempt}{cause})")
    _work(course, spec, channel, console, wish)
    forget_what_tools_wrote(job)
    if job.summary is not None and course.report is not None:
        with suppress(OSError):
            job.summary.write_text(summary(spec, course.report), encoding="utf-8")


def _work(course: _Course, spec: Spec, channel: HttpChannel, console: Console, wish: _Wish) -> None:
    folder = course.folder or Path()
    log = Log(folder, spec.sensitive_values, min(spec.log_limit, _MOST_LOG), console.write)
    upload = LogUpload(channel, folder / "log", max(spec.beat_every / 2, 0.5))
    supervisor = Supervisor(channel, log, timeout=spec.timeout, grace=spec.grace, beat_every=spec.beat_every)
    wish.reaches(supervisor)

    def stage(name: str) -> None:
        while log.follow():
            pass
        console.stage(name)

    report = course.report = run(spec, folder, supervisor, log, stage)
    console.end_stage()
    plan = report["plan"]
    if plan is not None and "plan" not in console.spoken:  # a tool whose plan is not part of its log
        console.fold("The plan", plan["text"])
    channel.keep_beating(spec.beat_every)
    late = log.sensitive[len(spec.sensitive_values) :]
    upload.finish(late, 1.0 if wish.stop else _LAST_OF_LOG)  # a cancelled job has seconds left for its report
    if upload.shown(late):
        console.warn(
            "A sensitive output was printed",
            "The tool printed the value of an output that only its outputs call sensitive: it was shown in this log. "
            "Give it a new value, and keep the tool from printing it.",
        )


def _reported(channel: HttpChannel, course: _Course, console: Console) -> int:
    """Tell people, then the bot: that may take long."""
    report, name = course.report or never_begun(channel.attempt, "Nothing is known of it."), course.name
    result, counts = str(report["result"]), counted(report)
    good = result in _GOOD
    if good:
        console.say(f"{result}{f' ({counts})' if counts else ''}")
    else:
        console.error(f"{name}: {result}", str(report.get("error") or result)[:_MOST_ERROR])
    if result == Result.NEEDS_APPROVAL:
        console.say("the plan is not one that was shown; nothing was applied, and Headwater asks for approval")
    channel.keep_beating(_BEAT)
    try:
        channel.report(report)
    except NotHeard as refused:
        console.error(f"{name}: {result}, but Headwater did not hear of it", f"{refused}.")
        return 6
    return 0 if good else 1
