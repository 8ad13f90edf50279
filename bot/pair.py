"""The two processes of `headwater serve`: one listens and one works, so that no webhook waits for what is computed.

The second is forked while there is one thread. They end together: whoever works has nothing to do without the one that
listens, and ends at once when that is gone; whoever listens ends, and says so, when the other one did.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.connection import Connection

import structlog
from prometheus_client import Metric

from bot import logging
from bot.errors import HeadwaterError
from bot.server import Server
from bot.settings import Settings
from bot.store.database import Database
from bot.waking import Topic
from bot.web.running import run
from bot.work import Workers

_CONTEXT = multiprocessing.get_context("fork") if sys.platform == "linux" else multiprocessing.get_context("spawn")
_LOOK_SECONDS = 0.2
_ANSWER_SECONDS = 2.0

_log = structlog.get_logger()


class EndedError(HeadwaterError):
    """The process that works ended by itself."""


class Worker:
    """The process that works, as the one that listens knows it: there when this is made, at work when it is started.

    Make it before any thread.
    """

    def __init__(self, settings: Settings) -> None:
        Database(settings.database).engine.dispose()  # one brings it up to date, and no connection may be forked
        self._wakes, wakes = socket.socketpair()
        self._asks, asks = _CONTEXT.Pipe()
        self._started = self._stopping = False
        self._ended: int | None = None
        gc.collect()
        gc.freeze()  # what both have stays shared
        ours = (self._wakes, self._asks)
        self._process = _CONTEXT.Process(target=_work, args=(settings, wakes, asks, ours), name="worker")
        self._process.start()
        wakes.close()
        asks.close()
        self._wakes.setblocking(False)

    def start(self) -> None:
        """Have it begin, and end this process when that one ends."""
        self._started = True
        with suppress(OSError):  # it is gone already, which is noticed
            self._asks.send(None)
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def stop(self, timeout: float) -> None:
        """Have it finish what it has in hand; after so many seconds it is killed."""
        self._stopping = True
        if self._started:
            self._process.terminate()
            self._process.join(timeout)
        self._process.kill()
        self._process.join()

    def check(self) -> None:
        """Raises EndedError if it ended before it was stopped."""
        if self._ended is not None:
            how = f"was killed by signal {-self._ended}" if self._ended < 0 else f"ended with exit code {self._ended}"
            mend = "see above why, or the system's log: it may have had too little memory; start the server again"
            raise EndedError(f"the process that works {how}", mend)

    def tell(self, topics: Iterable[Topic]) -> None:
        """Wake its workers; where it has not read for long, there is enough to be read."""
        with suppress(OSError):
            self._wakes.send("".join(one[0] for one in topics).encode())

    def listen(self, hear: Callable[[Iterable[Topic]], None], stopped: threading.Event) -> None:
        """Nothing: in this process nobody waits."""

    def counted(self) -> Iterable[Metric]:
        """What it counted; nothing where it does not answer in time."""
        try:
            while self._asks.poll():  # it answered too late
                self._asks.recv()
            self._asks.send(None)
            found: list[Metric] = self._asks.recv() if self._asks.poll(_ANSWER_SECONDS) else []
        except (OSError, EOFError):
            return []
        return found

    def _watch(self) -> None:
        connection.wait([self._process.sentinel])
        if not self._stopping:
            self._process.join()  # its files are closed a moment before it can be waited for
            self._ended = self._process.exitcode or None  # 0: somebody told both to stop
            os.kill(os.getpid(), signal.SIGTERM)


class _Listener:
    """The process that listens, as the one that works knows it."""

    def __init__(self, wakes: socket.socket) -> None:
        self._wakes = wakes

    def tell(self, topics: Iterable[Topic]) -> None:
        """Nothing: there nobody waits."""

    def listen(self, hear: Callable[[Iterable[Topic]], None], stopped: threading.Event) -> None:
        """Hear what it tells."""
        while not stopped.is_set():
            if select.select([self._wakes], [], [], _LOOK_SECONDS)[0]:
                told = self._wakes.recv(4096).decode()
                if not told:
                    return
                hear([one for one in Topic if one[0] in told])

    def counted(self) -> Iterable[Metric]:
        """Nothing: it tells by itself."""
        return ()


def _work(
    settings: Settings, wakes: socket.socket, asks: Connection, not_ours: tuple[socket.socket, Connection]
) -> None:
    """Work until told to stop, or until the one that listens is gone.

    A terminal or a service manager tells both to stop, and then the one that listens tells this one: what is in hand is
    finished however often it is told. (By a handler: all that is started here would ignore what this one ignores.)
    """
    up = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None if up.is_set() else os._exit(0))
    for one in not_ours:
        one.close()
    try:
        asks.recv()  # nothing is worked on before the other one can listen
    except (OSError, EOFError):
        return
    logging.configure(settings.log_level, settings.secrets)
    server = Server(settings.model_copy(update={"metrics_port": 0}), _Listener(wakes))
    threading.Thread(target=_answer, args=(server, asks), name="answer", daemon=True).start()
    try:
        run(server, listen=None, workers=Workers(server), announce=lambda _: up.set())
    except HeadwaterError as error:
        _log.error("this process cannot work", error=error.what)
        sys.exit(1)


def _answer(server: Server, asks: Connection) -> None:
    """Tell what was counted when asked, and end this process when nobody can ask any more."""
    with suppress(OSError, EOFError):
        while True:
            asks.recv()
            asks.send(server.metrics.counted())
    os._exit(1)
