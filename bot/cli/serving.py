"""What the commands of the server share: their settings, how the global options fit in, and how they run."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

import click

from bot.cli.global_options import Globals
from bot.cli.output import say
from bot.errors import HeadwaterError, WrongUse

if TYPE_CHECKING:
    from bot.settings import Settings, StoreSettings
    from bot.store.database import Database

    Some = TypeVar("Some", bound=StoreSettings)

HOST = click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
PORT = click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port there.")


def settings_of(kind: type[Some], settings: Globals) -> Some:
    """The settings of that kind; `--state` and `--database` win over what is set elsewhere."""
    from bot.settings import load  # noqa: PLC0415 (needs what the server alone needs)

    return load(kind, state=settings.state, database=settings.database)


def server_database(settings: Globals) -> Database | None:
    """The server's database; None where there is none yet, which is not made by asking."""
    need_the_server()
    from bot.settings import StoreSettings  # noqa: PLC0415
    from bot.state_folder import has_store  # noqa: PLC0415
    from bot.store.database import Database  # noqa: PLC0415

    found = settings_of(StoreSettings, settings)
    given = found.database if found.database_url else None
    return Database(found.database) if has_store(found.state, given) else None


def server_store(settings: Globals) -> str:
    """Where the server's database is, or would be, as it may be shown."""
    from bot.settings import StoreSettings  # noqa: PLC0415
    from bot.store.database import shown_url  # noqa: PLC0415

    return shown_url(settings_of(StoreSettings, settings).database)


def need_the_server() -> None:
    """Raise HeadwaterError with the mend where the server's packages are not installed."""
    missing = [name for name in ("flask", "pydantic_settings", "waitress") if find_spec(name) is None]
    if missing:
        raise HeadwaterError(
            f"the server's packages are not installed ({', '.join(missing)})", "pip install 'headwater[bot]'"
        )


def server_settings(settings: Globals, *, replica: bool) -> Settings:
    """All settings, and logging as they say.

    Raises WrongUse for a replica on SQLite, without a key to share, or with repositories that run on its own machine.
    """
    need_the_server()
    from bot import logging  # noqa: PLC0415
    from bot.settings import Settings, names  # noqa: PLC0415

    found = settings_of(Settings, settings)
    if replica and found.embedded:
        raise WrongUse(
            "'headwater web' and 'headwater worker' share a database in PostgreSQL; this one is SQLite, where nothing "
            "tells one that work came to the other",
            "use 'headwater serve', which is both in one, or set HEADWATER_DATABASE_URL to a postgresql:// address",
        )
    if replica and found.key is None:
        key = next(name for name in names(Settings) if name.endswith("_KEY"))
        raise WrongUse(
            f"{key} is missing: replicas must encrypt with the same key",
            f"take that of the file {found.state / 'key'} if there is one, else make one: openssl rand -base64 32",
        )
    if replica and found.local_repositories:
        here = next(name for name in names(Settings) if name.endswith("_LOCAL_REPOSITORIES"))
        raise WrongUse(
            f"{here}: what runs on a machine itself has its state there, where no other replica sees it",
            "use 'headwater serve', and no worker beside it, or let these repositories run in their CI",
        )
    logging.configure(found.log_level, found.secrets)
    return found


def run_server(settings: Settings, listen: tuple[str, int] | None, *, quiet: bool) -> None:
    """Listen at an address, or work without one, until a signal says to stop.

    Raises WrongUse where GitHub does not know the App.
    """
    from bot.introducing import introduce  # noqa: PLC0415
    from bot.server import Server  # noqa: PLC0415
    from bot.web.running import run  # noqa: PLC0415
    from bot.work import Workers  # noqa: PLC0415

    introduce(settings)
    server = Server(settings)
    workers = Workers(server) if listen is None else None
    run(server, listen=listen, workers=workers, announce=_announcing(settings, quiet=quiet))


def run_pair(settings: Settings, listen: tuple[str, int], *, quiet: bool) -> None:
    """Listen at an address, and have another process work, until a signal says to stop.

    Raises WrongUse where GitHub does not know the App, HeadwaterError where the other process ends by itself.
    """
    from bot.introducing import introduce  # noqa: PLC0415
    from bot.pair import Worker  # noqa: PLC0415
    from bot.server import Server  # noqa: PLC0415
    from bot.web.running import run  # noqa: PLC0415

    introduce(settings)
    worker = Worker(settings)
    try:
        run(Server(settings, worker), listen=listen, workers=worker, announce=_announcing(settings, quiet=quiet))
    finally:
        worker.stop(settings.stop_seconds)
    worker.check()


def _announcing(settings: Settings, *, quiet: bool) -> Callable[[str | None], None]:
    """What tells that all is up, with the address that it listens at if it does."""

    def announce(address: str | None) -> None:
        if quiet:
            return
        if address is not None:
            say(f"Headwater listens at {address}; GitHub sends webhooks to {settings.public_url}/webhook")
        else:
            say("Headwater works; web processes take what comes")

    return announce
