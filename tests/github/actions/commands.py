"""What a step tells its runner: workflow commands on its output, and the files behind GITHUB_OUTPUT and its like."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from tests.github.actions.runs import Job

if TYPE_CHECKING:
    from tests.github.actions.worker import Worker

COMMAND = re.compile(r"::(?P<name>[A-Za-z0-9_-]+)(?: (?P<properties>[^:]*?(?::[^:]+)*?))?::(?P<value>.*)\Z")
MOST_LINES = 50_000
MOST_SUMMARY_BYTES = 1024 * 1024
LEVELS = {"error": "failure", "warning": "warning", "notice": "notice"}


class Log:
    """A job's log, without its secrets."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._stop: str | None = None
        self.masks: list[str] = []

    def line(self, text: str) -> None:
        """Write a line."""
        for mask in sorted(filter(None, self.masks), key=len, reverse=True):
            text = text.replace(mask, "***")
        if len(self._job.log) < MOST_LINES:
            self._job.log.append(text)

    def error(self, text: str) -> None:
        """Write an error, which is an annotation too."""
        self.line(f"##[error]{text}")
        self._note("failure", text, {})

    def warn(self, text: str) -> None:
        """Write a warning."""
        self.line(f"##[warning]{text}")

    def told(self, text: str) -> None:
        """A line of a step's output, perhaps a command."""
        found = COMMAND.match(text.strip())
        if found is None:
            self.line(text)
            return
        name, value = found["name"], unquote(found["value"])
        if self._stop is not None:  # commands are text until its word comes
            self._stop = None if name == self._stop else self._stop
            self.line(text)
        elif name == "add-mask":
            self.masks += [one for one in value.splitlines() if one]
        elif name == "stop-commands":
            self._stop = value
            self.masks.append(value)
            self.line(text)
        elif name in LEVELS:
            pairs = (one.split("=", 1) for one in (found["properties"] or "").split(",") if "=" in one)
            self._note(LEVELS[name], value, {key.strip(): unquote(text) for key, text in pairs})
            self.line(f"##[{name}]{value}")
        elif name in ("group", "endgroup", "debug", "echo"):
            self.line(f"##[{name}]{value}")
        else:
            self.error(f"Unable to process command '{text}': the command '{name}' is disabled or unknown")

    def _note(self, level: str, text: str, at: dict[str, str]) -> None:
        line = int(at["line"]) if at.get("line", "").isdigit() else 1
        end = int(at["endLine"]) if at.get("endLine", "").isdigit() else line
        place = {"path": at.get("file", ".github"), "start_line": line, "end_line": end}
        for mask in filter(None, self.masks):
            text = text.replace(mask, "***")
        self._job.check.annotations.append(
            {**place, "annotation_level": level, "message": text, "title": at.get("title")}
        )


class Files:
    """The files that one step writes to speak with its runner."""

    NAMES = ("ENV", "OUTPUT", "PATH", "STATE", "STEP_SUMMARY")

    def __init__(self, temp: Path) -> None:
        folder = temp / "_runner_file_commands"
        folder.mkdir(exist_ok=True)
        self._files = {name: folder / f"{name.lower()}_{uuid.uuid4()}" for name in self.NAMES}
        for file in self._files.values():
            file.touch()

    def variables(self) -> dict[str, str]:
        """Where the step finds them."""
        return {f"GITHUB_{name}": str(file) for name, file in self._files.items()}

    def collect(self, worker: Worker) -> dict[str, str]:
        """Read what the step wrote; gives its outputs."""
        found = {name: file.read_text(errors="replace") if file.exists() else "" for name, file in self._files.items()}
        try:
            worker.env.update(assignments(found["ENV"]))
            outputs = assignments(found["OUTPUT"])
        except ValueError as failed:
            worker.log.error(f"Unable to process file command: {failed}")
            worker.failed = True
            return {}
        worker.path += [line for line in found["PATH"].splitlines() if line.strip()]
        if len(found["STEP_SUMMARY"].encode()) > MOST_SUMMARY_BYTES:
            worker.log.error(
                f"$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of {MOST_SUMMARY_BYTES // 1024}k"
            )
        else:
            worker.job.summary += found["STEP_SUMMARY"]
        return outputs


def assignments(text: str) -> dict[str, str]:
    """`name=value` lines, and `name<<END` blocks. Raises ValueError for anything else."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        block, equals = line.find("<<"), line.find("=")
        if not line:
            continue
        if equals >= 0 and (block < 0 or equals < block):
            found[line[:equals]] = line[equals + 1 :]
        elif block >= 0:
            end, inner = line[block + 2 :], []
            for one in lines:
                if one == end:
                    break
                inner.append(one)
            else:
                raise ValueError(f"Matching delimiter not found '{end}'")
            found[line[:block]] = "\n".join(inner)
        else:
            raise ValueError(f"Invalid format '{line}'")
    return found
