"""What is older than it is kept goes with the sweep, by the settings: webhooks, and mirrors that nobody uses."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from bot.hosting.project import MIRROR
from bot.server import Server
from bot.store import deliveries, hosting
from bot.store.deliveries import Arrived
from bot.working import expiring

DAY = 86_400.0


def received(server: Server, guid: str, days: float, outcome: str | None = "ignored: it says nothing") -> None:
    with server.database.writing() as connection:
        deliveries.record(connection, [Arrived(guid, "ping", b"{}", outcome=outcome)], time.time() - days * DAY)


def known(server: Server) -> set[str]:
    with server.database.reading() as connection:
        return {one.id for one in deliveries.recent(connection, 1_000)}


def test_webhooks_go_after_the_days_that_the_settings_say(server: Server) -> None:
    kept = server.settings.keep_days
    for number in range(250):  # more than one step takes
        received(server, f"old-{number}", kept + 1)
    received(server, "waiting", kept + 1, outcome=None)
    received(server, "new", kept - 1)
    expiring.expire(server)
    assert known(server) == {"waiting", "new"}


def test_a_mirror_goes_that_nothing_was_fetched_into_for_long(server: Server) -> None:
    values = {
        "installation_id": 1,
        "full_name": "acme/shop",
        "default_branch": "main",
        "clone_url": "https://x/acme/shop",
        "html_url": "https://x/acme/shop",
    }
    with server.database.writing() as connection:
        hosted = hosting.keep_repository(connection, 7, values)
    mirror: Path = server.folder_of(hosted) / MIRROR
    subprocess.run(["git", "init", "-q", "--bare", str(mirror)], check=True)
    lock = mirror.with_suffix(".lock")
    lock.touch()
    expiring.expire(server)
    assert mirror.is_dir()
    long_ago = time.time() - (server.settings.keep_mirrors_days + 1) * DAY
    os.utime(lock, (long_ago, long_ago))
    expiring.expire(server)
    assert not mirror.exists()
