"""What a job of GitHub Actions gives its runner, taken out of the environment so that no process inherits it."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.runner.addresses import Address, read_address
from bot.runner.environment import COMMAND_FILES
from bot.runner.failure import RunnerError
from bot.runner.spec import Spec

_ID_URL, _ID_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
_NO_SECRET = re.compile(r"(?:ACTIONS|GITHUB|HEADWATER|RUNNER)_", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATIENCE = 3600.0
"""Seconds that the report is told again and again where nobody hears it: each of them is paid for at GitHub."""


@dataclass(frozen=True, slots=True)
class Job:
    """The surroundings of one step. `url` is the bot's, without a slash at its end; `repository_host` is GitHub's."""

    url: str
    server: Address
    id_server: Address
    id_token: str = field(repr=False)
    token: str = field(repr=False)
    repository_host: str
    temp: Path
    command_files: tuple[Path, ...]
    summary: Path | None
    secrets: Mapping[str, str] = field(repr=False)
    patience: float = _PATIENCE


def take_job(environment: MutableMapping[str, str]) -> Job:
    """Read what the job gives, and leave nothing of it that a tool could use. Raises RunnerError for what lacks."""
    taken = {name: environment.pop(name) for name in [*environment] if _is_ours(name)}
    files = {name: Path(taken[name]) for name in COMMAND_FILES if taken.get(name)}
    names = ("HEADWATER_URL", _ID_URL, _ID_TOKEN)
    lacking = [name for name in names if not taken.get(name)]
    temp = environment.get("RUNNER_TEMP", "")
    if not temp or not Path(temp).is_dir():
        lacking.append("RUNNER_TEMP")
    if lacking:
        raise RunnerError(_lacking(lacking))
    url = taken["HEADWATER_URL"].rstrip("/")
    return Job(
        url=url,
        server=read_address(url, "HEADWATER_URL"),
        id_server=read_address(taken[_ID_URL], _ID_URL),
        id_token=taken[_ID_TOKEN],
        token=taken.get("GITHUB_TOKEN", ""),
        repository_host=environment.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/"),
        temp=Path(temp),
        command_files=tuple(files.values()),
        summary=files.get("GITHUB_STEP_SUMMARY"),
        secrets=_secrets(environment, taken.get("HEADWATER_SECRETS", "")),
        patience=_patience(taken.get("HEADWATER_PATIENCE_SECONDS", "")),
    )


def with_job(spec: Spec, job: Job, environment: MutableMapping[str, str]) -> Spec:
    """The spec with what only the job knows: its token, and the secrets. Raises RunnerError for one that it has not."""
    variables = tuple(
        one
        if one.from_secret is None
        else replace(one, value=_secret(one.from_secret, spec.alias, job, environment), from_secret=None)
        for one in spec.variables
    )
    fetch = spec.fetch
    if fetch is not None and fetch.token is None and fetch.url.startswith(f"{job.repository_host}/"):
        fetch = replace(fetch, token=job.token)  # never to another server
    return replace(spec, variables=variables, fetch=fetch)


def forget_what_tools_wrote(job: Job) -> None:
    """Empty the files that GitHub reads after the step: their names are no secret from a tool that looks around."""
    for path in job.command_files:
        with suppress(OSError):
            path.unlink(missing_ok=True)
            path.touch(0o600)


def keep_to_ourselves() -> None:
    """Have the kernel keep other processes of this user out of our memory and our first environment (Linux)."""
    with suppress(Exception):
        import ctypes  # noqa: PLC0415  (nothing else needs it)

        not_dumpable = (4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
        ctypes.CDLL(None).prctl(*not_dumpable)


def _is_ours(name: str) -> bool:
    if name in ("HEADWATER_CRASH_AT", "HEADWATER_CRASH_LOG"):
        return False
    return name.startswith(("ACTIONS_", "HEADWATER_")) or name in ("GITHUB_TOKEN", "GH_TOKEN", *COMMAND_FILES)


def _lacking(names: list[str]) -> str:
    told = f"This is no job of the workflow that `headwater init --github` writes: it lacks {', '.join(names)}."
    if _ID_URL in names or _ID_TOKEN in names:
        told += " The job needs `permissions: id-token: write` to prove who it is."
    return told


def _secrets(environment: MutableMapping[str, str], names: str) -> dict[str, str]:
    return {name: environment.pop(name, "") for name in names.split() if _may_be_secret(name)}


def _may_be_secret(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and _NO_SECRET.match(name) is None


def _secret(name: str, alias: str, job: Job, environment: MutableMapping[str, str]) -> str:
    value = job.secrets.get(name, "")
    if not value and _may_be_secret(name):
        value = environment.get(name, "")
    if not value:
        raise RunnerError(
            f"The secret {name} that {alias!r} needs is missing or empty in this job. Add it to the secrets of the "
            "GitHub environment or of the repository; if .github/workflows/headwater.yml does not name it, write that "
            "anew: headwater init --github"
        )
    return value


def _patience(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 21_600.0) if text else _PATIENCE
    except ValueError:
        return _PATIENCE
