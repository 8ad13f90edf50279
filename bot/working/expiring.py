"""What is older than the operator keeps it: deleted a little at a time, so that nobody waits for it."""

from __future__ import annotations

import time

import structlog

from bot.forgetting import Keep, forget, forget_attempts
from bot.hosting.mirror import COMMITS, PULLS, HostedMirror
from bot.hosting.project import MIRROR
from bot.server import ATTEMPTS, Server
from bot.store import commits, hosting
from bot.store.environments import deployed_commits
from bot.store.hosting import HostedRepository

_MOST_STEPS = 200
"""Transactions of one sweep, for each thing; what is left is for the next one."""
_DAY = 86_400.0
_log = structlog.get_logger("headwater.sweep")


def expire(server: Server) -> None:
    """Delete what is kept for no longer: rows first, then the disk space that they had, then what lies in folders."""
    now, settings = time.time(), server.settings
    keep = Keep(now - settings.keep_days * _DAY, now - settings.keep_history_days * _DAY)
    forget(server.database, keep, _MOST_STEPS)
    with server.database.reading() as connection:
        found = hosting.repositories(connection)
    for hosted in found:
        forget_attempts(server.database, server.folder_of(hosted) / ATTEMPTS, keep, _MOST_STEPS)
        _tidy_mirror(server, hosted, now)


def _tidy_mirror(server: Server, hosted: HostedRepository, now: float) -> None:
    """Delete a mirror on this machine that nothing was fetched into for long: it is made anew when needed.

    Of another one goes what nothing that is stored names any more, once a day.
    """
    folder = server.folder_of(hosted) / MIRROR
    if not folder.is_dir():
        return
    before = now - server.settings.keep_mirrors_days * _DAY
    mirror = HostedMirror(folder, hosted.clone_url, lambda _address, _instead_of: None)
    with server.database.reading() as connection:
        deployed = deployed_commits(connection, hosted.id)
        needed = {f"{COMMITS}{one}" for one in commits.named(connection, hosted.id)}
        needed |= {f"{PULLS}{one}" for one in commits.pull_numbers(connection, hosted.id)}
    if mirror.used_at < before and mirror.remove(hosted.default_branch, deployed, before):
        _log.info("a mirror that nobody used was removed", repository=hosted.full_name)
    elif gone := mirror.tidy(needed, now - _DAY):
        _log.info("a mirror gave up what nothing needs", repository=hosted.full_name, refs=gone)
