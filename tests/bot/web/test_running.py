"""The parts of a server begin and end in order, whatever ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bot.web.listener import ListenError
from bot.web.running import run
from tests.bot.web.conftest import Site, TestHost, ask, webhook_headers


class Workers:
    """Workers that note what they are told."""

    def __init__(self, host: TestHost) -> None:
        self.host = host
        self.told: list[str] = []

    def start(self) -> None:
        self.told.append("start")

    def stop(self, timeout: float) -> None:
        assert timeout == self.host.settings.stop_seconds
        self.told.append("stop")


def test_the_signal_ends_all_parts_and_the_workers_last(host: TestHost) -> None:
    workers, answers = Workers(host), []
    before = signal.getsignal(signal.SIGTERM)

    def client(url: str) -> None:
        port = int(url.rsplit(":", 1)[1])
        answers.append(ask(port, "POST", "/webhook", b"{}", webhook_headers(b"{}")).status)
        workers.told.append("stored")
        os.kill(os.getpid(), signal.SIGTERM)

    def announce(url: str | None) -> None:
        assert url is not None
        workers.told.append("announced")
        threading.Thread(target=client, args=(url,)).start()

    run(host, listen=("127.0.0.1", 0), workers=workers, announce=announce)
    assert workers.told == ["start", "announced", "stored", "stop"]
    assert answers == [202]
    assert signal.getsignal(signal.SIGTERM) is before


def test_workers_alone_wait_for_the_signal(host: TestHost) -> None:
    workers = Workers(host)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    run(host, listen=None, workers=workers, announce=lambda url: workers.told.append(f"announced {url}"))
    assert workers.told == ["start", "announced None", "stop"]


def test_nothing_works_where_nothing_can_listen(host: TestHost, site: Site) -> None:
    workers = Workers(host)
    with pytest.raises(ListenError):
        run(host, listen=("127.0.0.1", site.port), workers=workers, announce=lambda url: None)
    assert "start" not in workers.told


STUBBORN = """
import sys, time
from pathlib import Path
from bot.store.database import Database
from bot.metrics import Metrics
from bot.web.running import run
from tests.bot.web.conftest import TestHost, settings_in

class Workers:
    def start(self): pass
    def stop(self, timeout):
        print("no end yet", flush=True)
        time.sleep(60)

folder = Path(sys.argv[1])
settings = settings_in(folder, Path(sys.argv[2]))
host = TestHost(settings, Database.file(folder / "headwater.db"), None, None, Metrics(), None)
run(host, listen=None, workers=Workers(), announce=lambda url: print("up", flush=True))
"""


def test_a_second_signal_ends_at_once(tmp_path: Path, key_file: Path) -> None:
    argv = [sys.executable, "-c", STUBBORN, str(tmp_path), str(key_file)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert "stopping" in process.stdout.readline()
        assert process.stdout.readline() == "no end yet\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM
        assert time.monotonic() - began < 10
