"""What is older than it is kept goes with the sweep, by the settings: webhooks, and mirrors that nobody uses."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from bot.hosting.mirror import COMMITS, PULLS, HostedMirror
from bot.hosting.project import MIRROR
from bot.server import ATTEMPTS, Server
from bot.store import deliveries, hosting
from bot.store.deliveries import Arrived
from bot.working import expiring
from tests.bot.store.simulation import make_repository

DAY = 86_400.0
VALUES = {
    "installation_id": 1,
    "full_name": "acme/shop",
    "default_branch": "main",
    "clone_url": "https://x/acme/shop",
    "html_url": "https://x/acme/shop",
}


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
    with server.database.writing() as connection:
        hosted = hosting.keep_repository(connection, 7, VALUES)
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


def test_a_mirror_in_use_gives_up_what_nothing_stored_names(server: Server) -> None:
    with server.database.writing() as connection:
        hosted = hosting.keep_repository(connection, 7, VALUES)
        pull = {"state": "open", "author": "ada", "head": "", "head_ref": "b", "base_ref": "main", "html_url": ""}
        folder = server.folder_of(hosted)
        folder.mkdir(parents=True)
        _, head = make_repository(folder / "theirs")
        mirror = HostedMirror(folder / MIRROR, str(folder / "theirs"), lambda *_: None)
        mirror.make()
        mirror._git("fetch", "--quiet", str(folder / "theirs"), f"{head}:refs/heads/main")
        mirror.keep(head)
        mirror._git("update-ref", f"{PULLS}1", head)
        mirror._git("update-ref", f"{PULLS}2", head)
        hosting.keep_pull(connection, hosted.id, 1, {**pull, "head": head})
    for _ in range(2):
        expiring.expire(server)
        os.utime(mirror.folder / "headwater" / "doubted", (100, 100))
    assert mirror.head_of(f"{PULLS}1") == mirror.head_of(f"{COMMITS}{head}") == head
    assert mirror.head_of(f"{PULLS}2") is None


def test_attempts_that_ran_here_go_with_their_logs_but_for_a_state_that_is_nowhere_else(server: Server) -> None:
    with server.database.writing() as connection:
        hosted = hosting.keep_repository(connection, 7, VALUES)
    folder, old = server.folder_of(hosted) / ATTEMPTS, time.time() - (server.settings.keep_days + 1) * DAY
    for name in ("old", "new", "rescued"):
        (folder / name).mkdir(parents=True)
        (folder / name / "log").write_text("said\n")
    (folder / "rescued" / "errored.tfstate").write_text("{}")
    for name in ("old", "rescued"):
        os.utime(folder / name, (old, old))
    expiring.expire(server)
    assert sorted(one.name for one in folder.iterdir()) == ["new", "rescued"]
