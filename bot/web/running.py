"""Starts the parts of a server, waits for the signal to stop, and ends them in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType
from typing import Protocol

import structlog

from bot.waking import Topic
from bot.web import webhook
from bot.web.app import create_app
from bot.web.host import Host
from bot.web.intake import Intake
from bot.web.listener import Listener, ListenError

_THREADS = 32
"""Requests at once: most wait for the disk, all for the same write."""

_log = structlog.get_logger()


class Working(Protocol):
    """The workers of this process."""

    def start(self) -> None:
        """Begin to work."""

    def stop(self, timeout: float) -> None:
        """Take no new work, and wait so many seconds for what is in hand."""


def run(
    host: Host, *, listen: tuple[str, int] | None, workers: Working | None, announce: Callable[[str | None], None]
) -> None:
    """Serve at an address, work, or both, until SIGTERM or SIGINT; a second one ends at once.

    `announce` is called with the address once everything is up. What is under way is answered, what came is stored, and
    work in hand is finished, each within HEADWATER_STOP_SECONDS.
    """
    grace = host.settings.stop_seconds
    stopped = threading.Event()
    with ExitStack() as parts:
        parts.enter_context(_metrics(host))
        if workers is not None:
            parts.callback(workers.stop, grace)
        listener = parts.enter_context(_listening(host, listen, grace)) if listen is not None else None
        parts.enter_context(_signals(stopped, listener))
        if workers is not None:
            workers.start()
        announce(listener.url if listener else None)
        if listener is not None:
            listener.serve()
        else:
            stopped.wait()
        _log.info("stopping")


@contextmanager
def _listening(host: Host, listen: tuple[str, int], grace: float) -> Iterator[Listener]:
    intake = Intake(host.database, partial(host.wake, Topic.WORK))
    listener = Listener(
        create_app(host, intake), *listen, most_body=webhook.MOST_BYTES, threads=_THREADS, grace=grace
    )  # fmt: skip
    intake.start()
    try:
        yield listener
    finally:
        intake.stop(grace)


@contextmanager
def _metrics(host: Host) -> Iterator[None]:
    settings = host.settings
    if settings.metrics_port == 0:
        yield
        return
    where = (settings.metrics_host, settings.metrics_port)
    try:
        listener = Listener(host.metrics.application(), *where, most_body=1024, threads=1, grace=1)
    except ListenError as error:
        mend = "set HEADWATER_METRICS_PORT to another port, or to 0 for none"
        raise ListenError(f"{error.what} (where metrics are told)", mend) from error
    thread = listener.start()
    _log.info("metrics", url=f"{listener.url}/metrics")
    try:
        yield
    finally:
        listener.stop()
        thread.join(2)


@contextmanager
def _signals(stopped: threading.Event, listener: Listener | None) -> Iterator[None]:
    """The first signal ends gracefully; the next one does what it did before this."""
    before = {int(number): signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, before[number])
        stopped.set()
        if listener is not None:
            listener.stop()

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
