"""Time at 1:100, so that a run takes seconds: the settings of the laboratory, and what has no setting."""

from __future__ import annotations

import time

SPEED = 100
"""How much faster than elsewhere."""

PATIENCE = 3.0
"""Seconds that the server waits for an answer of GitHub's; longer than that is for ever."""

SETTINGS: dict[str, object] = {
    "beat_seconds": 0.15,
    "silence_seconds": 1.2,
    "claim_seconds": 0.8,
    "gather_seconds": 0.02,
    "judge_seconds": 0.6,
    "edit_seconds": 0.5,
    "edits_a_minute": 1000,
    "poll_seconds": 0.3,
    "sweep_seconds": 6,
    "stop_seconds": 2.0,
    "metrics_port": 0,
    "log_level": "info",
}


def servers() -> None:
    """In a server's process: waits that are constants, and the clock by which GitHub's limits are counted."""
    from bot import server, work  # noqa: PLC0415 (in the process that it is for)
    from bot.github import app, identities, limits  # noqa: PLC0415

    real = app.App

    def quick(*given: object, **named: object) -> app.App:
        hurried = {"timeout": PATIENCE, "limits": limits.Limits(lambda: time.monotonic() * SPEED)}
        return real(*given, **hurried, **named)  # type: ignore[arg-type]

    server.App = quick  # type: ignore[misc, assignment]
    identities.GRANTED_SECONDS /= SPEED
    calm = work._wait_after
    work._wait_after = lambda error, attempts: max(calm(error, attempts) / SPEED, 0.05)


def runners() -> None:
    """In a runner's process: pauses between tries."""
    from bot.runner import fetch, http_channel, patience  # noqa: PLC0415

    patience._FIRST, patience._LONGEST = 0.05, 0.3
    fetch._PAUSES = (0.1, 0.5, None)
    http_channel._LONGEST_SILENCE = 0.3
    http_channel._SPREAD = 0.1
