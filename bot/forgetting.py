"""Forgets what is older than it is kept, a little at a time: in a store, and in the folders of attempts beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from bot.runner.checkout import remove
from bot.store import attempts, deliveries, expiring, remote_jobs
from bot.store.database import Database

_TOGETHER = 100
"""Rows, or deployments with all that belongs to them, in one transaction; and folders at a time."""
_PAGES = 2_000
_RESCUED = "errored.tfstate"


@dataclass(frozen=True, slots=True)
class Keep:
    """What is older than these moments goes: `bulk` is webhooks, logs and texts, `history` what has ended."""

    bulk: float
    history: float


def forget(database: Database, keep: Keep, most: int) -> None:
    """Delete rows, in so many transactions at most for each thing, then give back the disk space that they had."""
    steps: tuple[Callable[[Connection], int], ...] = (
        partial(deliveries.forget_before, moment=keep.bulk, most=_TOGETHER),
        partial(remote_jobs.forget_logs_before, moment=keep.bulk, most=_TOGETHER),
        partial(expiring.forget_texts, before=keep.bulk, most=_TOGETHER),
        partial(expiring.forget_deployments, before=keep.history, most=_TOGETHER),
        partial(expiring.forget_talk, before=keep.history, most=_TOGETHER),
        partial(expiring.forget_pulls, most=_TOGETHER),
    )
    if sum(_in_steps(database, step, most) for step in steps):
        database.shrink(_PAGES)


def forget_attempts(database: Database, folder: Path, keep: Keep, most: int) -> int:
    """Delete the folders of attempts on this machine that ended before that moment, with their logs; how many.

    One with a state that Terraform could not save stays: that is nowhere else.
    """
    if not folder.is_dir():
        return 0
    old = [one for one in folder.iterdir() if one.is_dir() and one.stat().st_mtime < keep.bulk]
    gone = 0
    for start in range(0, min(len(old), most * _TOGETHER), _TOGETHER):
        some = [one for one in old[start : start + _TOGETHER] if not (one / _RESCUED).exists()]
        with database.reading() as connection:
            needed = attempts.needed(connection, [one.name for one in some], keep.bulk)
        for one in some:
            if one.name not in needed:
                remove(one)
                gone += 1
    return gone


def _in_steps(database: Database, step: Callable[[Connection], int], most: int) -> int:
    """Do it until there is nothing left, each time in a transaction of its own; how much it was."""
    whole = 0
    for _ in range(most):
        with database.writing() as connection:
            found = step(connection)
        whole += found
        if not found:
            break
    return whole
