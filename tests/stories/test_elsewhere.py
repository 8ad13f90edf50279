"""Environments whose code lies elsewhere: at another revision of this repository, or in another one over https."""

from __future__ import annotations

import http.server
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.https import served as by_https
from tests.stories.conftest import MakeWorld
from tests.stories.world import CHAIN, World


class GitOverHttps(http.server.BaseHTTPRequestHandler):
    """Serves bare repositories below `root` by git's own backend."""

    root: Path

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path, Path]]:
    """An https address, the folder whose repositories it serves, and the certificate to trust."""
    root = tmp_path / "served"
    root.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (GitOverHttps,), {"root": root}))
    with by_https(server, tmp_path) as (address, chain):
        yield address, root, chain


def test_an_environment_at_a_branch_follows_it(make_world: MakeWorld) -> None:
    world = make_world(CHAIN, {"b": "revision: stable"})
    world.git("branch", "stable")
    world.want("b", "b-on-main")
    world.deployed()
    assert world.have()["b"] == "b-1"
    world.git("branch", "--force", "stable", "main")
    answer = world.headwater("deploy", "--since-deployed", "--auto-approve")
    assert answer.code == 0, answer
    assert "revision-moved" in answer.out
    assert world.have() == {"a": "a-1", "b": "b-on-main", "c": "c-1"}


def test_an_environment_of_another_repository_is_deployed_from_there(
    make_world: MakeWorld, served: tuple[str, Path, Path]
) -> None:
    address, root, chain = served
    other = make_world({"b": ()})
    other.want("b", "from-elsewhere")
    subprocess.run(["git", "clone", "--quiet", "--bare", other.repository, root / "other.git"], check=True)
    world = _pointing_to(make_world, f"{address}/other.git", chain)
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 0, answer
    assert world.have() == {"a": "a-1", "b": "from-elsewhere", "c": "c-1"}


def test_another_repository_that_is_not_there_is_told(make_world: MakeWorld, served: tuple[str, Path, Path]) -> None:
    address, _, chain = served
    world = _pointing_to(make_world, f"{address}/nowhere.git", chain)
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 1, answer
    assert f"{address}/nowhere.git" in answer.err
    assert world.applied() == []


def _pointing_to(make_world: MakeWorld, address: str, chain: Path) -> World:
    """A world whose environment `b` lies in the repository at that address."""
    world = make_world(CHAIN, environment={"GIT_SSL_CAINFO": str(chain)})
    world.git("remote", "add", "origin", f"{address.rpartition('/')[0]}/this.git")
    text = (world.repository / "headwater.yml").read_text()
    there = text.replace("{type: script, path: envs/b}", f"{{type: script, path: envs/b, repository: {address}}}")
    world.commit({"headwater.yml": f"repositories: [{address}]\n{there}"})
    return world
