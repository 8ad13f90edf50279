"""A CI job on this machine: the zipapp as GitHub would start it, a real bot and a real git server on the other side."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.bot.runner.bot_server import ASKING, Bot, Offer
from tests.bot.runner.conftest import has_terraform
from tests.github import GitHub
from tests.github.world.repository import Repository

SECRET = "correct horse battery"
KEY = "k" * 32
PLAIN_PYTHON = "/usr/bin/python3"
SCRIPT = {"plan": "echo would change; exit 2", "apply": "echo applied", "destroy": "echo gone"}


class World:
    """A repository on a GitHub, a bot, and jobs that are started by hand."""

    def __init__(self, folder: Path, github: GitHub, bot: Bot) -> None:
        self.folder, self.github, self.bot = folder, github, bot
        github.world.organization("acme", ["ada"])
        self.shop: Repository = github.repository("acme/shop", {"README.md": "hello\n"}, write=["ada"])
        self.token = github.world.personal_token("ada")
        self.zipapp = folder / "headwater.pyz"
        self.zipapp.write_bytes(bot.zipapp.data)
        self.jobs: list[Job] = []
        self.path = ""

    def script(self, path: str = "svc", **texts: str) -> str:
        files = {f"{path}/{name}": ("100755", f"#!/bin/sh\n{text}\n") for name, text in {**SCRIPT, **texts}.items()}
        return self.github.commit(self.shop, files)

    def offer(self, **spec: Any) -> Offer:
        name = f"7-{len(self.bot.offers) + 1}"
        whole = {
            "attempt": name,
            "kind": "deploy",
            "alias": "svc",
            "slug": "svc",
            "tool": "script",
            "path": "svc",
            "commit": self.shop.git.branch("main"),
            "fetch": {"url": f"{self.github.url}/acme/shop", "token": None},
            "refuse_no_backend": True,
            "digest_key": KEY.encode().hex(),
            "seal_key": KEY.encode().hex(),
            "accept": {"all": True},
            "beat_every": 0.2,
            "grace": 10.0,
            **spec,
        }
        return self.bot.offer(name, {one: value for one, value in whole.items() if value is not ...})

    def job(self, offer: Offer | str, key: str = "key-1", **environment: str) -> Job:
        made = Job(self, offer if isinstance(offer, str) else offer.attempt, key, environment)
        self.jobs.append(made)
        return made

    def run(self, offer: Offer, code: int = 0, **environment: str) -> Job:
        job = self.job(offer, **environment)
        assert job.wait() == code, job.out
        return job


class Job:
    """The step of a job that runs the zipapp."""

    def __init__(
        self, world: World, attempt: str, key: str, environment: dict[str, str],
        user: int | None = None, python: str = sys.executable,
    ) -> None:  # fmt: skip
        self.temp = world.folder / f"temp-{len(world.jobs)}"
        files = self.temp / "_runner_file_commands"
        files.mkdir(parents=True)
        self.files = {name: files / name.lower() for name in ("ENV", "OUTPUT", "PATH", "STATE", "STEP_SUMMARY")}
        for file in self.files.values():
            file.touch()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.temp),
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": world.github.url,
            "GITHUB_TOKEN": world.token,
            "RUNNER_TEMP": str(self.temp),
            "HEADWATER_URL": world.bot.url,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{world.bot.url}/identity?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ASKING,
            **{f"GITHUB_{name}": str(file) for name, file in self.files.items()},
            **environment,
        }
        argv = [python, "-I", str(world.zipapp), "actions", "--attempt", attempt, "--key", key]
        self._out = (self.temp / "out").open("w+b")
        if user is not None:
            for one in (self.temp, files, *self.files.values()):
                os.chown(one, user, user)
        self.process = subprocess.Popen(
            argv, cwd=self.temp, env=self.environment, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._out,
            start_new_session=True, user=user, group=user, extra_groups=None if user is None else [],
        )  # fmt: skip

    def wait(self, seconds: float = 60.0) -> int:
        return self.process.wait(seconds)

    @property
    def out(self) -> str:
        return (self.temp / "out").read_text()

    @property
    def shown(self) -> str:
        """What GitHub's log would show: commands that only tell it something are not in it."""
        return "\n".join(line for line in self.out.splitlines() if not line.startswith("::add-mask::"))

    @property
    def summary(self) -> str:
        return self.files["STEP_SUMMARY"].read_text()

    def left(self) -> list[str]:
        return sorted(one.name for one in self.temp.iterdir() if one.name.startswith("headwater-"))


class Proxy:
    """A proxy that leads every CONNECT to one port of this machine."""

    def __init__(self, target: int) -> None:
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._target = target
        self._accepting = threading.Thread(target=self._go, daemon=True)
        self._accepting.start()

    def _go(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._socket.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(4096)
        lines = head.decode().split("\r\n")
        given = next((line.partition(": ")[2] for line in lines if line.startswith("Proxy-Authorization")), "")
        self.asked.append((lines[0], given))
        server = socket.create_connection(("127.0.0.1", self._target))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=self._copy, args=(server, client), daemon=True).start()
        self._copy(client, server)

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # else the thread goes on waiting, and at another's socket later
        self._accepting.join()
        self._socket.close()


def certificate(folder: Path, host: str) -> tuple[str, str]:
    """A certificate for a host and its key, by an authority that nobody but this test knows."""
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("Authority", host)]
    for place, file in enumerate(("authority", "server")):
        built = (
            x509.CertificateBuilder()
            .subject_name(names[place])
            .issuer_name(names[0])
            .public_key(keys[place].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=place == 0, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        ).sign(keys[0], hashes.SHA256())
        (folder / f"{file}.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.key").write_bytes(private)
    return str(folder / "server.pem"), str(folder / "server.key")


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as made:
        yield made
    assert not made.errors


@pytest.fixture
def bot() -> Iterator[Bot]:
    made = Bot()
    yield made
    made.stop()
    assert not made.wrong


@pytest.fixture
def world(tmp_path: Path, github: GitHub, bot: Bot) -> Iterator[World]:
    made = World(tmp_path, github, bot)
    yield made
    for job in made.jobs:
        if job.process.poll() is None:
            os.killpg(job.process.pid, signal.SIGKILL)
            job.wait()
        job._out.close()


@pytest.fixture
def terraform(world: World) -> World:
    """The world with a Terraform on its path: this machine's own, or the one out of the Python package."""
    world.path = os.environ["PATH"]
    if has_terraform() is None:
        folder = world.folder / "bin"
        folder.mkdir()
        (folder / "terraform").symlink_to(Path(sys.executable).with_name("headwater-terraform"))
        world.path = f"{folder}{os.pathsep}{world.path}"
    return world
