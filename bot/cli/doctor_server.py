"""What `headwater doctor` looks at on the machine of a server: its settings, its store, what GitHub says of its App."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.checking import Check, Verdict, check_state_folder, check_store
from bot.cli.global_options import Globals
from bot.cli.serving import server_database, settings_of
from bot.errors import HeadwaterError, WrongUse

if TYPE_CHECKING:
    from bot.settings import Settings

_SECONDS = 5.0


def has_server(settings: Globals, *, here: bool) -> bool:
    """Whether a server is meant: it was set up here, or its settings are in the process environment.

    `here` is a repository: there the state folder has to be named.
    """
    if find_spec("pydantic_settings") is None:
        return False
    from bot.settings import PREFIX, SETTINGS_FILE, default_state  # noqa: PLC0415

    if f"{PREFIX}GITHUB_APP_ID" in os.environ:
        return True
    named = settings.state or os.environ.get(f"{PREFIX}STATE")
    return bool(named or not here) and os.path.lexists(Path(named or default_state()) / SETTINGS_FILE)


def server_checks(settings: Globals) -> Iterator[Check]:
    """Every check of a server in turn; what cannot be looked at without what failed before is left out."""
    from bot.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        found = settings_of(Settings, settings)
    except SettingsError as error:
        yield Check("settings", Verdict.BAD, error.what.partition(":")[0], error.mend)
        return
    yield Check("settings", Verdict.GOOD, f"complete, for the App {found.github_app_id} at {found.github_api_url}")
    yield check_state_folder(found.state)
    yield _store(settings)
    yield from _app_checks(found)
    yield _answers(found.public_url)


def _store(settings: Globals) -> Check:
    try:
        return check_store(server_database(settings), "the first start")
    except HeadwaterError as error:  # the server's packages are not all here
        return Check("store", Verdict.BAD, error.what, error.mend)


def _app_checks(settings: Settings) -> Iterator[Check]:
    from bot.introducing import doubts  # noqa: PLC0415

    try:
        found = doubts(settings, accounts=True)
    except WrongUse as error:
        yield Check("GitHub App", Verdict.BAD, error.what, error.mend)
    except HeadwaterError as error:
        yield Check("GitHub App", Verdict.WARN, error.what, error.mend)
    else:
        for one in found:
            what, _, mend = one.rpartition(": ")
            yield Check("GitHub App", Verdict.WARN, what, mend)
        if not found:
            yield Check("GitHub App", Verdict.GOOD, "GitHub knows it; it may and hears all that it needs")


def _answers(public_url: str) -> Check:
    """Whether a server answers where GitHub and jobs look for it, as far as this machine can tell."""
    address = f"{public_url}/readyz"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS):  # noqa: S310 (an address of http or https, by the settings)
            return Check("server", Verdict.GOOD, f"{public_url} answers, and is ready")
    except urllib.error.HTTPError as error:
        mend = "see its log" if error.code == 503 else "see that it is Headwater that answers there"
        return Check("server", Verdict.WARN, f"{address} answers with {error.code}", mend)
    except (OSError, HTTPException, ValueError) as error:
        why = getattr(error, "reason", error)
        mend = "start it with 'headwater serve', or see what stands between it and the outside"
        return Check("server", Verdict.WARN, f"{public_url} does not answer from here: {why}", mend)
