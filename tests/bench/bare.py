"""The plainest thing that keeps a webhook before it answers: Flask and one SQLAlchemy insert a request, `synchronous=FULL`.

It is what a bot on these libraries can be compared with. `python -m tests.bench.bare FOLDER` serves it.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import logging
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SECRET = "a secret of this benchmark"


def command(folder: Path) -> list[str]:
    """What starts it; its first line of output has its address."""
    return [sys.executable, "-m", "tests.bench.bare", str(folder)]


def headers_of(event: str, body: bytes) -> dict[str, str]:
    """Those of a webhook."""
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": f"sha256={signature}",
    }


def cpu_of_keeping(webhooks: Sequence[tuple[str, bytes]], folder: Path) -> float:
    """Seconds of processor that it takes to keep these, each of a connection of its own as GitHub sends them (Linux)."""
    with subprocess.Popen(command(folder), stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://([^:]+:\d+)", server.stdout.readline())
            assert found is not None, "the server did not start"
            before = processor_seconds(server.pid)
            for event, body in webhooks:
                connection = http.client.HTTPConnection(found[1])
                connection.request("POST", "/webhook", body, headers_of(event, body))
                assert connection.getresponse().status == 202
                connection.close()
            return processor_seconds(server.pid) - before
        finally:
            server.terminate()


def processor_seconds(*pids: int) -> float:
    """Of processes, and of those that they waited for (Linux)."""
    fields = [one for pid in pids for one in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]]
    return sum(map(int, fields)) / os.sysconf("SC_CLK_TCK")


def main(folder: str) -> None:
    """Serve with nothing but a signature check and an insert."""
    from flask import Flask, request  # noqa: PLC0415
    from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, create_engine, event, insert  # noqa: PLC0415
    from waitress import create_server  # noqa: PLC0415

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    Path(folder).mkdir()
    engine = create_engine(f"sqlite:///{folder}/bare.db", connect_args={"timeout": 30}, pool_size=32)
    metadata = MetaData()
    columns = (Column("guid", String, unique=True), Column("event", String), Column("body", LargeBinary))
    table = Table("deliveries", metadata, Column("id", Integer, primary_key=True), *columns)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    metadata.create_all(engine)
    app = Flask(__name__)

    @app.post("/webhook")
    def webhook() -> tuple[str, int]:
        body = request.get_data()
        right = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, request.headers["X-Hub-Signature-256"]):
            return "", 401
        named = {"guid": request.headers["X-GitHub-Delivery"], "event": request.headers["X-GitHub-Event"]}
        with engine.begin() as connection:
            connection.execute(insert(table).values(named | {"body": body}))
        return "", 202

    server = create_server(app, host="127.0.0.1", port=0, threads=32, connection_limit=1000, asyncore_use_poll=True)
    print(f"http://127.0.0.1:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main(sys.argv[1])
