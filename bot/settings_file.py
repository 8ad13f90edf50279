"""Writes `settings.env`: what is already there stays, comments too; what is set anew takes its place."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from dotenv.parser import parse_stream

from bot.errors import HeadwaterError, NotAllowed, StoreError
from bot.github.data import ManifestData
from bot.runner.files import replace
from bot.settings import PREFIX, SetupSettings

APP_ID, KEY_FILE, SECRET = (
    f"{PREFIX}GITHUB_APP_ID", f"{PREFIX}GITHUB_PRIVATE_KEY_FILE", f"{PREFIX}WEBHOOK_SECRET",
)  # fmt: skip
"""The settings that belong to one App."""

_PLAIN = re.compile(r"[A-Za-z0-9_./:@+=-]+")
_HEAD = "# Settings of the Headwater server. It holds secrets: for its owner alone.\n"


def read(file: Path) -> dict[str, str]:
    """The settings in this file; none where it does not exist."""
    if not file.exists():
        return {}
    with file.open(encoding="utf-8") as stream:
        return {line.key: line.value for line in parse_stream(stream) if line.key is not None and line.value}


def write(file: Path, values: Mapping[str, str]) -> None:
    """Set these in the file, which becomes its owner's alone; it is there whole or as before."""
    kept = _HEAD
    if file.exists():
        with file.open(encoding="utf-8") as stream:
            kept = "".join(line.original.string for line in parse_stream(stream) if line.key not in values)
        kept += "" if kept.endswith("\n") or not kept else "\n"
    replace(file, (kept + "".join(f"{name}={_quoted(value)}\n" for name, value in values.items())).encode())


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def make_room(settings: SetupSettings, *, force: bool) -> None:
    """See that the keys of a new App can be kept, before one is made. Raises NotAllowed where others would go."""
    file = settings.settings_file
    there = read(file).get(APP_ID)
    if there is not None and not force:
        raise NotAllowed(
            f"{file} holds the App {there} already; nothing was changed",
            "start it with 'headwater serve'; --force makes a new App and puts it in that one's place",
        )
    try:
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.state) as probe:
            probe.write(b"headwater")
            os.fsync(probe.fileno())
    except OSError as error:
        raise StoreError(
            f"the state folder {settings.state} cannot be written: {error.strerror}",
            "make it writable, or name another one with --state DIR",
        ) from error


def keep_app(settings: SetupSettings, app: ManifestData, public_url: str) -> None:
    """Keep what an App needs: its private key in a file of its own, all else in the settings file, both mode 0600."""
    key_file = settings.state / f"github-app-{app.app_id}.pem"
    values = {APP_ID: str(app.app_id), KEY_FILE: str(key_file), SECRET: app.webhook_secret}
    values[f"{PREFIX}PUBLIC_URL"] = public_url
    if settings.github_api_url != SetupSettings.model_fields["github_api_url"].default:
        values[f"{PREFIX}GITHUB_API_URL"] = settings.github_api_url
    if not (app.private_key_pem and app.webhook_secret):
        raise HeadwaterError(
            f"GitHub made the App {app.name} ({app.app_id}) without handing out its keys",
            f"delete it at {app.html_url}, and begin again: headwater setup",
        )
    try:
        replace(key_file, app.private_key_pem.encode())
        write(settings.settings_file, values)
    except OSError as error:
        raise HeadwaterError(
            f"GitHub made the App {app.name} ({app.app_id}), but its keys could not be kept: {error.strerror}",
            f"mend that, delete the App at {app.html_url}, and begin again: headwater setup",
        ) from error


def in_the_way(environment: Mapping[str, str]) -> list[str]:
    """Settings of the process environment that win over what is kept for the new App."""
    return [name for name in (APP_ID, KEY_FILE, SECRET) if environment.get(name)]
