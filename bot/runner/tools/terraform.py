"""Terraform: init, plan, `show -json`, apply of that very plan, outputs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from bot.runner.environment import terraform_variables
from bot.runner.failure import RunnerError, StoppedError
from bot.runner.plan import Plan, shortened
from bot.runner.tools.base import Output, Tool
from bot.runner.tools.hcl import declares_backend
from bot.runner.tools.terraform_plan import NotAPlan, read_plan
from bot.runner.tools.versions import Binary, binaries, choose
from bot.runner.workplace import Workplace

_CHANGES = 2
_OTHER_VERSION = "choose another version of it, by `version` in the workflow file."


class Terraform(Tool):
    """Terraform in the environment's folder. The workspace is chosen by TF_WORKSPACE: a plan creates none."""

    kind = "terraform"
    binary: ClassVar[str] = "terraform"
    suffixes: ClassVar[tuple[str, ...]] = (".tf",)

    def __init__(self, place: Workplace) -> None:
        super().__init__(place)
        scratch, spec = place.scratch, place.spec
        self._binary = self.binary
        self._plan_file = scratch / "plan"
        self._plugins = scratch / "plugins"
        self._environment = {
            **self.place.environment,
            **terraform_variables(spec.variables),
            "TF_DATA_DIR": str(scratch / "terraform"),
            "TF_PLUGIN_CACHE_DIR": str(
                self._plugins
            ),  # a cache named in a configuration file would be shared: not safe
            "TF_IN_AUTOMATION": "1",
            "TF_INPUT": "0",
            "CHECKPOINT_DISABLE": "1",
        }

    def prepare(self) -> None:
        """Choose the binary, give the module a backend if it has none, and init."""
        spec, folder = self.place.spec, self.place.folder
        self._plugins.mkdir(mode=0o700)
        self._binary = choose(binaries(self.binary, os.environ), spec.version, self._version, self.kind).path
        if not any(file.name.endswith(self._all_suffixes) for file in folder.iterdir()):
            raise RunnerError(f"There are no {self.kind} files in {spec.path!r}. Correct `path` in the workflow file.")
        if not declares_backend(folder, self.suffixes):
            self._add_backend()
        lock_file = ("-lockfile=readonly",) if (folder / ".terraform.lock.hcl").is_file() else ()
        self._call("init", "-input=false", "-no-color", *lock_file)
        if spec.workspace and spec.workspace != "default":
            self._environment["TF_WORKSPACE"] = spec.workspace

    def plan(self) -> Plan:
        """Plan, keep the plan file for `apply`, and read it."""
        spec = self.place.spec
        code = self._call(
            "plan",
            "-input=false",
            "-no-color",
            "-detailed-exitcode",
            "-lock=false" if spec.kind.only_plans else self._lock_timeout,
            *(["-destroy"] if spec.kind.destroys else []),
            f"-out={self._plan_file}",
            good=(0, _CHANGES),
        )
        found = self._json("show", "-json", str(self._plan_file))
        text = self._capture("show", "-no-color", str(self._plan_file)).decode(errors="replace")
        try:
            return read_plan(found, shortened(text.strip("\n")), spec.digest_key, empty=code == 0)
        except NotAPlan as error:
            raise RunnerError(f"`{self.kind} show -json` {error}: {_OTHER_VERSION}") from error

    def apply(self) -> None:
        """Apply the plan file that `plan` made."""
        try:
            self._call("apply", "-input=false", "-no-color", self._lock_timeout, str(self._plan_file))
        except (RunnerError, StoppedError):
            self._rescue_state()
            raise
        finally:
            self._plan_file.unlink(missing_ok=True)

    def unlock(self, lock: str) -> None:
        """Free the lock with this id; a state that bears another one is left alone."""
        self._call("force-unlock", "-force", lock)

    def outputs(self) -> Mapping[str, Output]:
        """All outputs of the root module."""
        found = self._json("output", "-json", "-no-color")
        try:
            return {name: Output(one["value"], bool(one["sensitive"])) for name, one in found.items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise RunnerError(f"`{self.kind} output -json` does not say what outputs are: {_OTHER_VERSION}") from error

    @property
    def _all_suffixes(self) -> tuple[str, ...]:
        return (*self.suffixes, *(f"{one}.json" for one in self.suffixes))

    @property
    def _lock_timeout(self) -> str:
        return f"-lock-timeout={int(self.place.spec.lock_timeout)}s"

    def _call(self, *arguments: str, good: tuple[int, ...] = (0,)) -> int:
        what = f"{self.kind} {arguments[0]}"
        return self.place.call([self._binary, *arguments], self._environment, what, good)

    def _capture(self, *arguments: str) -> bytes:
        what = f"{self.kind} {arguments[0]}"
        return self.place.capture([self._binary, *arguments], self._environment, what).stdout

    def _json(self, *arguments: str) -> Any:  # noqa: ANN401  (whatever the tool prints)
        try:
            return json.loads(self._capture(*arguments))
        except (ValueError, RecursionError) as error:
            raise RunnerError(f"`{self.kind} {arguments[0]} -json` printed no JSON: {_OTHER_VERSION}") from error

    def _version(self, binary: Binary) -> str | None:
        try:
            answer = self.place.capture([binary.path, "version", "-json"], self._environment, f"{binary.path} version")
            found: Any = json.loads(answer.stdout)
            return str(found["terraform_version"])
        except (RunnerError, ValueError, KeyError, TypeError):
            return None

    def _add_backend(self) -> None:
        """Give a module without a backend a local one outside the checkout, which is thrown away."""
        spec = self.place.spec
        if spec.refuse_no_backend or spec.state_file is None:
            raise RunnerError(
                f"{spec.path!r} declares no backend, so its state would be lost with this job. "
                'Add `terraform { backend "..." {} }` to it.'
            )
        spec.state_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        local = {"path": str(spec.state_file), "workspace_dir": f"{spec.state_file}.d"}
        data = json.dumps({"terraform": {"backend": {"local": local}}}).encode()
        path = next(one for one in self._free_names() if not one.is_symlink() and not one.exists())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)

    def _free_names(self) -> Iterator[Path]:
        yield self.place.folder / "headwater_override.tf.json"
        for number in range(1000):
            yield self.place.folder / f"headwater_{number}_override.tf.json"

    def _rescue_state(self) -> None:
        """Terraform leaves a state that it could not save in its folder, which is about to be removed."""
        left = self.place.folder / "errored.tfstate"
        kept = self.place.scratch.with_name("errored.tfstate")
        with suppress(OSError):
            left.replace(kept)
            kept.chmod(0o600)
            self.place.supervisor.say(f"Headwater: Terraform could not save its state; it is kept in {kept}")


TOOL = Terraform
