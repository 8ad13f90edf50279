"""What is older than the operator keeps it: deleted a little at a time, so that nobody waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import structlog
from sqlalchemy import Connection

from bot.hosting.mirror import HostedMirror
from bot.hosting.project import MIRROR
from bot.server import Server
from bot.store import deliveries, expiring, hosting, remote_jobs
from bot.store.environments import deployed_commits

_TOGETHER = 100
"""Rows, or deployments with all that belongs to them, in one transaction."""
_MOST_STEPS = 200
"""Transactions of one sweep, for each thing; what is left is for the next one."""
_PAGES = 2_000
_DAY = 86_400.0
_log = structlog.get_logger("headwater.sweep")


def expire(server: Server) -> None:
    """Delete what is kept for no longer: rows first, then the disk space that they had, then mirrors."""
    now, settings = time.time(), server.settings
    bulk, history = now - settings.keep_days * _DAY, now - settings.keep_history_days * _DAY
    steps: tuple[Callable[[Connection], int], ...] = (
        partial(deliveries.forget_before, moment=bulk, most=_TOGETHER),
        partial(remote_jobs.forget_logs_before, moment=bulk, most=_TOGETHER),
        partial(expiring.forget_texts, before=bulk, most=_TOGETHER),
        partial(expiring.forget_deployments, before=history, most=_TOGETHER),
        partial(expiring.forget_talk, before=history, most=_TOGETHER),
        partial(expiring.forget_pulls, most=_TOGETHER),
    )
    gone = sum(_in_steps(server, step) for step in steps)
    if gone:
        server.database.shrink(_PAGES)
    _forget_mirrors(server, now - settings.keep_mirrors_days * _DAY)


def _in_steps(server: Server, step: Callable[[Connection], int]) -> int:
    """Do it until there is nothing left, each time in a transaction of its own; how much it was."""
    whole = 0
    for _ in range(_MOST_STEPS):
        with server.database.writing() as connection:
            found = step(connection)
        whole += found
        if not found:
            break
    return whole


def _forget_mirrors(server: Server, before: float) -> None:
    """Delete the mirrors on this machine that nothing was fetched into for long: they are made anew when needed."""
    with server.database.reading() as connection:
        found = hosting.repositories(connection)
        needed = {one.id: deployed_commits(connection, one.id) for one in found}
    for hosted in found:
        folder = server.folder_of(hosted) / MIRROR
        if not folder.is_dir():
            continue
        mirror = HostedMirror(folder, hosted.clone_url, lambda _address, _instead_of: None)
        if mirror.used_at < before and mirror.remove(hosted.default_branch, needed[hosted.id], before):
            _log.info("a mirror that nobody used was removed", repository=hosted.full_name)
