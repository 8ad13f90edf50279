"""A folder with executables of the user's own: `plan`, `apply`, `destroy`, and perhaps `outputs`, `plan-destroy`.

`plan` exits 0 for no changes and 2 for changes; its standard output is what reviewers see, its standard error is log.
Its last line may say `Plan: 1 to add, 0 to change, 0 to destroy.` as Terraform's does: then Headwater knows a plan that
only creates. `outputs` prints JSON, `{name: value}` or `{name: {"value": ..., "sensitive": true}}`. A destroy is
planned by `plan-destroy` (exit codes as above) where there is one, else it is shown as one line.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from bot.runner.failure import RunnerError
from bot.runner.plan import Change, Counts, Leaf, Plan, leaf_digest, shortened
from bot.runner.redact import clean
from bot.runner.tools.base import Output, Tool, fits_as_name

_SUMMARY = re.compile(r"(?:Plan: )?(\d{1,9}) to add, (\d{1,9}) to change, (\d{1,9}) to destroy\.?")
_CHANGES = 2


class Script(Tool):
    """Runs the executables of the environment's folder, without arguments, in that folder."""

    kind = "script"

    def plan(self) -> Plan:
        """What `plan` (or `plan-destroy`) says."""
        spec = self.place.spec
        if not spec.kind.destroys:
            return self._planned("plan")
        self._executable("destroy")
        if (self.place.folder / "plan-destroy").exists():
            return self._planned("plan-destroy")
        text = f"destroy {spec.path or '.'}"
        change = Change(spec.path or ".", ("delete",))
        return Plan(False, text, self._leaves(_CHANGES, text), (change,), Counts(destroy=1))

    def apply(self) -> None:
        """Run `apply`, or `destroy`."""
        name = "destroy" if self.place.spec.kind.destroys else "apply"
        self.place.call([self._executable(name)], self.place.environment, f"`{name}`")

    def outputs(self) -> Mapping[str, Output]:
        """What `outputs` prints; nothing if there is no such executable."""
        if not (self.place.folder / "outputs").exists():
            return {}
        answer = self.place.capture([self._executable("outputs")], self.place.environment, "`outputs`")
        try:
            found = json.loads(answer.stdout, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise RunnerError(f"`outputs` in {self.place.spec.path!r} did not print JSON: {error}") from error
        if not isinstance(found, dict):
            raise RunnerError(f"`outputs` in {self.place.spec.path!r} must print a JSON object, name by name.")
        if unfit := [name for name in found if not fits_as_name(name)]:
            raise RunnerError(
                f"`outputs` in {self.place.spec.path!r}: {unfit[0][:80]!r} cannot be the name of an output."
            )
        return {name: _output(value) for name, value in found.items()}

    def _planned(self, name: str) -> Plan:
        answer = self.place.capture(
            [self._executable(name)], self.place.environment, f"`{name}`", (0, _CHANGES), words=True
        )
        text = clean(answer.stdout.decode(errors="replace"))
        counts = _counts(text)
        if answer.code == 0:
            counts = Counts()
        return Plan(answer.code == 0, shortened(text), self._leaves(answer.code, text), (), counts)

    def _leaves(self, code: int, text: str) -> tuple[Leaf, ...]:
        key = self.place.spec.digest_key
        return (Leaf("exit", leaf_digest(key, code)), Leaf("stdout", leaf_digest(key, text)))

    def _executable(self, name: str) -> str:
        path: Path = self.place.folder / name
        where = f"`{name}` in {self.place.spec.path!r}"
        if not path.is_file():
            raise RunnerError(f"{where} is missing. A script environment has the executables plan, apply and destroy.")
        if not os.access(path, os.X_OK):
            raise RunnerError(f"{where} is not executable. Run: git update-index --chmod=+x {name}")
        return str(path)


def _counts(text: str) -> Counts | None:
    last = text.rstrip().rpartition("\n")[2].strip()
    found = _SUMMARY.fullmatch(last)
    return Counts(*(int(number) for number in found.groups())) if found else None


def _no_number(sign: str) -> object:
    raise ValueError(f"{sign} is no JSON")


def _output(found: object) -> Output:
    if isinstance(found, dict) and "value" in found and found.keys() <= {"value", "sensitive", "type"}:
        return Output(found["value"], found.get("sensitive", False) is not False)
    return Output(found)  # type: ignore[arg-type]  # it comes from json.loads


TOOL = Script
