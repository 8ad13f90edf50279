"""The command line's own store forgets what is old, as the server's does: a little, once a day."""

from __future__ import annotations

import os

from bot.errors import WrongUse
from bot.forgetting import Keep, forget, forget_attempts
from bot.project import Project

_DAY = 86_400.0
_MOST_STEPS = 5
"""Transactions for each thing: nobody at the keyboard waits for it."""
_DAYS = {"HEADWATER_KEEP_DAYS": 30.0, "HEADWATER_KEEP_HISTORY_DAYS": 365.0}


def expire(project: Project, now: float) -> None:
    """Forget what is older than it is kept; nothing in a database that others share, which a server looks after."""
    marker = project.state / "expired"
    if not project.alone or (marker.exists() and now - marker.stat().st_mtime < _DAY):
        return
    new = not marker.exists()
    marker.touch(mode=0o600)
    if new:
        return  # there is no day-old history yet, or all of it waits one more day
    bulk, history = (now - _days(name) * _DAY for name in _DAYS)
    keep = Keep(bulk, min(history, bulk))
    forget(project.database, keep, _MOST_STEPS)
    forget_attempts(project.database, project.local.folder, keep, _MOST_STEPS)


def _days(name: str) -> float:
    given = os.environ.get(name, "")
    try:
        return max(float(given), 1.0) if given else _DAYS[name]
    except ValueError:
        raise WrongUse(f"{name} is no number of days: {given!r}", f"for example {name}=90") from None
