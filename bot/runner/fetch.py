"""The code of a CI job: exactly one commit, in a bare repository of its own."""

from __future__ import annotations

import binascii
import os
from pathlib import Path

from bot.runner.addresses import read_address
from bot.runner.environment import fetch_environment, git_environment
from bot.runner.failure import RunnerError
from bot.runner.spec import Fetch
from bot.runner.supervise import Supervisor

_PAUSES = (2.0, 10.0, None)
"""Seconds between tries; a server that does not answer for a moment is no reason to fail a deploy."""


def fetched(supervisor: Supervisor, source: Fetch, commit: str, folder: Path) -> Path:
    """Make `folder/code.git` a bare repository that has that commit and nothing before it; returns its path.

    The token is in the environment of the one process that needs it, and nowhere else: not among its arguments, not in
    the address, not in a file.
    """
    scheme = read_address(source.url, "The address of the code").scheme
    bare = folder / "code.git"
    form = ["--object-format=sha256"] if len(commit) == 64 else []
    begin = ["git", "init", "--quiet", "--bare", "--template=", *form, str(bare)]
    if supervisor.call(begin, cwd=folder, env=git_environment(os.environ)) != 0:
        raise RunnerError(f"No repository could be made in {folder}; git's words are in the log.")
    argv = ["git", "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head"]
    environment = fetch_environment(os.environ, scheme, _settings(source))
    for pause in _PAUSES:
        if supervisor.call([*argv, source.url, commit], cwd=bare, env=environment) == 0:
            return bare
        if pause is not None:
            supervisor.pause(pause)
    raise RunnerError(
        f"The commit {commit[:12]} could not be fetched from {source.url}; git's words are in the log. "
        "Is it still there, and may this job read that repository?"
    )


def _settings(source: Fetch) -> dict[str, str]:
    settings = {"http.followRedirects": "initial", "gc.auto": "0", "maintenance.auto": "false"}
    if source.token:
        basic = binascii.b2a_base64(f"x-access-token:{source.token}".encode(), newline=False).decode()
        settings["http.extraHeader"] = f"Authorization: Basic {basic}"
    return settings
