"""The runner in a CI job: the zipapp as GitHub would start it, a real bot and a real git server on the other side."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from base64 import b64encode
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

from bot.runner.channel import seal_context
from bot.runner.seal import unseal
from tests.bot.runner.bot_server import ASKING, Bot, Offer, dripping, dropped, lost, refused, slow
from tests.bot.runner.conftest import has_terraform, until
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


def test_a_deploy_from_the_claim_to_the_report(world: World) -> None:
    world.script(outputs="""echo '{"port": 80, "key": {"value": "hush-hush", "sensitive": true}}'""")
    offer = world.offer()
    job = world.run(offer)
    assert world.bot.audiences == [world.bot.url]
    report = offer.report
    assert report is not None
    assert (report["result"], report["applied"], report["plan"]["text"]) == ("succeeded", True, "would change\n")
    assert report["outputs"]["port"] == {"value": 80, "sensitive": False}
    sealed = report["outputs"]["key"]["sealed"]
    assert unseal(sealed, KEY.encode(), seal_context(offer.attempt, "key")) == "hush-hush"
    assert offer.text == "applied\n"
    assert job.left() == []
    lines = [
        line for line in job.out.splitlines() if not line.startswith("::add-mask::") and "stop-commands" not in line
    ]
    assert [line for line in lines if not line.endswith("::") or line == "::endgroup::"] == [
        f"Headwater: Deploy 'svc' at {offer.spec['commit'][:12]} (attempt 7-1)",
        "Headwater: checkout",
        "Headwater: plan",
        "Headwater: apply",
        "::group::Output of apply",
        "applied",
        "::endgroup::",
        "Headwater: outputs",
        "::group::The plan",
        "would change",
        "::endgroup::",
        "Headwater: succeeded",
    ]
    assert "### Deploy ` svc `\n\nSucceeded.\n\n```diff\nwould change\n```\n" in job.summary


# -- claims


def test_a_refused_claim_touches_nothing_and_is_no_failure(world: World) -> None:
    mark = world.folder / "mark"
    world.script(plan=f"touch {mark}; exit 2")
    for reason in ("taken", "revoked"):
        offer = world.offer()
        offer.taken = reason
        job = world.run(offer)
        assert (
            job.shown
            == f"Headwater: this attempt is not for this job ({reason}: another job has it): there is nothing to do here."
        )
        assert job.left() == [] and not job.summary
    other = world.job("7-99")
    assert (other.wait(), "unknown" in other.out) == (0, True)
    wrong_key = world.job(world.offer(), key="key-2")
    assert (wrong_key.wait(), "unknown" in wrong_key.out) == (0, True)
    assert not mark.exists()


def test_of_two_jobs_one_does_it(world: World) -> None:
    mark = world.folder / "mark"
    world.script(plan="sleep 1; exit 2", apply=f"echo x >> {mark}")
    offer = world.offer()
    first = world.job(offer)
    until(lambda: offer.beats)
    second = world.job(offer)
    assert (first.wait(), second.wait()) == (0, 0)
    assert mark.read_text() == "x\n"
    assert "taken" in second.out


@pytest.mark.parametrize("status", [401, 403])
def test_an_identity_that_is_refused_is_told(world: World, status: int) -> None:
    offer = world.offer()
    world.bot.fault("/claim", refused(status, {"error": "environment", "detail": "it runs in 'other'"}))
    job = world.run(offer, 5)
    assert (
        "::error title=Headwater does not accept this job::environment: it runs in 'other'. Nothing was touched."
        in job.out
    )
    assert job.left() == []


def test_a_job_that_may_not_ask_for_its_identity_is_told_what_lacks(world: World) -> None:
    job = world.run(world.offer(), 2, ACTIONS_ID_TOKEN_REQUEST_TOKEN="")
    assert "it lacks ACTIONS_ID_TOKEN_REQUEST_TOKEN. The job needs `permissions: id-token: write`" in job.out
    refusing = world.run(world.offer(), 5, ACTIONS_ID_TOKEN_REQUEST_TOKEN="another")
    assert "GitHub gives this job no identity" in refusing.out


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://headwater.example.com", "HEADWATER_URL must begin with https://"),
        ("https://me:secret-word@headwater.example.com", "HEADWATER_URL holds credentials"),
        ("headwater.example.com", "HEADWATER_URL is no address"),
        ("https://", "HEADWATER_URL is no address"),
    ],
)
def test_tokens_are_sent_over_https_alone(world: World, url: str, said: str) -> None:
    job = world.run(world.offer(), 2, HEADWATER_URL=url)
    assert said in job.out and "secret-word" not in job.out


def test_a_bot_that_is_being_restarted_is_waited_for(world: World) -> None:
    world.script()
    offer = world.offer()
    world.bot.fault("/claim", dropped)
    world.bot.fault("/claim", refused(503, Retry_After="1"))
    world.bot.fault("/claim", refused(404, b"<html>no backend</html>"))
    world.bot.fault("/identity", refused(500))
    job = world.run(offer)
    assert "503" in job.out or "on demand; trying again" in job.out
    assert offer.report and offer.report["result"] == "succeeded"


def test_a_claim_whose_answer_got_lost_is_made_again(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"echo x >> {mark}")
    offer = world.offer()
    world.bot.fault("/claim", lost, times=2)
    world.run(offer)
    assert (len(offer.claims), mark.read_text()) == (3, "x\n")


def test_nobody_there_at_the_claim(world: World) -> None:
    offer = world.offer()
    with world.bot.away():
        job = world.run(offer, 7, HEADWATER_PATIENCE_SECONDS="2")
    assert (
        "Headwater did not answer::127.0.0.1 cannot be reached: [Errno 111] Connection refused. Nothing was" in job.out
    )


def test_what_cannot_be_understood_is_reported_as_such(world: World) -> None:
    offer = world.offer()
    offer.spec["kind"] = "undo"
    job = world.run(offer, 1)
    assert offer.report is not None
    assert "This runner does not understand what it was told: kind is none of plan" in offer.report["error"]
    assert "::error title=7-1%3A failed::This runner does not understand" in job.out
    world.bot.wrong.clear()


def test_a_machine_without_room_is_told(world: World) -> None:
    offer = world.offer()
    world.run(offer, 1, RUNNER_TEMP="/proc")
    assert offer.report and offer.report["error"].startswith("No folder can be made in /proc: ")


@pytest.mark.parametrize(("function", "result", "code"), [("headline", "failed", 1), ("summary", "succeeded", 0)])
def test_a_defect_of_the_runner_is_reported_and_loses_nothing(
    world: World, function: str, result: str, code: int
) -> None:
    """Before the tool ran, and after it has."""
    with zipfile.ZipFile(world.zipapp) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    parts["bot/runner/summary.py"] += f"\ndef {function}(*_): raise ZeroDivisionError({SECRET!r})\n".encode()
    with zipfile.ZipFile(world.zipapp, "w") as broken:
        for name, data in parts.items():
            broken.writestr(name, data)
    world.script()
    offer = world.offer()
    job = world.run(offer, code, HEADWATER_SECRETS="OTHER", OTHER=SECRET)
    assert offer.report and offer.report["result"] == result
    said = offer.report["error"] if code else job.shown
    assert "this is a defect of its own:" in said and "ZeroDivisionError: ***" in said
    assert SECRET not in repr(offer.report) + job.shown and job.left() == []


def test_wrong_use_is_told(world: World) -> None:
    for arguments in ([], ["--attempt", "../x", "--key", "k"], ["--attempt", "a", "--key", "k", "--more"]):
        done = subprocess.run(
            [sys.executable, world.zipapp, "actions", *arguments], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (
            2,
            "headwater runner: usage: python3 headwater.pyz actions --attempt ID --key KEY\n",
        )


# -- what comes of it


def test_a_failure_is_red_and_told_everywhere(world: World) -> None:
    world.script(apply="echo first; echo 'Error: no space: 100%' >&2; exit 3")
    offer = world.offer(alias="data & 🚀 `x`")
    job = world.run(offer, 1)
    assert offer.report and (offer.report["result"], offer.report["applied"]) == ("failed", True)
    commit = offer.spec["commit"][:12]
    title = f"Deploy 'data & 🚀 `x`' at {commit}%3A failed"
    assert f"::error title={title}::`apply` failed (exit code 3).%0A%0AError: no space: 100%25\n" in job.out
    assert job.summary.startswith("### Deploy `` data & 🚀 `x` ``\n\nFailed.\n\n```\n`apply` failed (exit code 3).")


def test_what_needs_approval_is_no_failure(world: World) -> None:
    world.script()
    offer = world.offer(accept={"shown": {"exit": "0", "stdout": "0"}})
    job = world.run(offer)
    assert offer.report and (offer.report["result"], offer.report["applied"]) == ("needs approval", False)
    assert "nothing was applied, and Headwater asks for approval" in job.out


def test_a_plan_job_never_applies(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"touch {mark}", plan="echo 'Plan: 1 to add, 2 to change, 0 to destroy.'; exit 2")
    offer = world.offer(kind="plan")
    job = world.run(offer)
    assert "Headwater: succeeded (1 to add, 2 to change)" in job.out
    assert not mark.exists()


def test_a_tool_that_hangs_times_out(world: World) -> None:
    world.script(plan="exec sleep 60")
    offer = world.offer(timeout=1.0)
    world.run(offer, 1)
    assert offer.report and offer.report["result"] == "timed out"


# -- the line


def test_https_through_a_proxy_with_an_authority_of_ones_own(world: World, tmp_path: Path) -> None:
    secure = Bot(certified=certificate(tmp_path, "headwater.test"))
    proxy = Proxy(secure.http.server_port)
    address = "https://headwater.test"
    names = {"HEADWATER_URL": address, "ACTIONS_ID_TOKEN_REQUEST_URL": f"{address}/identity?api-version=2.0"}
    names |= {"HTTPS_PROXY": f"http://me:pass%20word@127.0.0.1:{proxy.port}", "NO_PROXY": "other.test"}
    world.script()
    offer = world.offer()
    secure.offers[offer.attempt] = offer
    try:
        job = world.run(offer, **names, SSL_CERT_FILE=str(tmp_path / "authority.pem"))
        assert offer.report and offer.report["result"] == "succeeded"
        assert secure.audiences == [address]
        assert {line for line, _ in proxy.asked} == {"CONNECT headwater.test:443 HTTP/1.0"}
        assert {given for _, given in proxy.asked} == {f"Basic {b64encode(b'me:pass word').decode()}"}
        assert "pass" not in job.shown
        asked = len(secure.requests)
        untrusted = world.run(world.offer(), 7, **names, HEADWATER_PATIENCE_SECONDS="2")
        assert "certificate verify failed" in untrusted.out
        assert len(secure.requests) == asked, "nothing is said to whom nobody vouches for"
    finally:
        secure.stop()
        proxy.stop()


# -- the code


def test_the_code_is_fetched_at_the_very_commit_without_its_past(world: World) -> None:
    world.script(plan="git log --format=%H | wc -l; cat ../README.md; exit 2")
    commit = world.shop.git.branch("main")
    world.github.commit(world.shop, {"README.md": "later\n"})
    offer = world.offer(commit=commit)
    world.run(offer)
    assert offer.report and offer.report["plan"]["text"] == "1\nhello\n"


def test_a_token_of_the_bot_reads_what_the_job_may_not(world: World) -> None:
    world.github.world.organization("other", ["bob"])
    modules = world.github.repository("other/modules", {"svc/plan": ("100755", "#!/bin/sh\nexit 0\n")}, write=["bob"])
    fetch = {"url": f"{world.github.url}/other/modules", "token": world.github.world.personal_token("bob")}
    offer = world.offer(commit=modules.git.branch("main"), fetch=fetch)
    world.run(offer)
    assert offer.report and offer.report["result"] == "no changes"


def test_the_jobs_own_token_is_for_its_own_server_alone(world: World) -> None:
    world.script()
    offer = world.offer()
    job = world.run(offer, 1, GITHUB_SERVER_URL="https://github.example.com")
    assert offer.report and "could not be fetched from" in offer.report["error"]
    assert world.token not in job.shown + offer.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://github.example.com/acme/shop", "must begin with https://"),
        ("file:///etc", "is no address"),
        ("ext::sh -c id", "is no address"),
        ("ssh://git@github.com/acme/shop", "holds credentials"),
        ("--upload-pack=id", "is no address"),
    ],
)
def test_code_comes_by_https_alone(world: World, url: str, said: str) -> None:
    offer = world.offer(fetch={"url": url, "token": None})
    world.run(offer, 1)
    assert offer.report and said in offer.report["error"]


def test_a_commit_that_is_gone_is_told(world: World) -> None:
    world.script()
    offer = world.offer(commit="1" * 40)
    world.run(offer, 1)
    assert offer.report is not None
    assert offer.report["error"].startswith(
        f"The commit {'1' * 12} could not be fetched from {world.github.url}/acme/shop;"
    )
    assert "not our ref" in offer.report["error"]


def test_submodules_are_not_fetched(world: World) -> None:
    text = '[submodule "x"]\n\tpath = sub\n\turl = file:///etc\n'
    world.github.commit(world.shop, {".gitmodules": text, "sub": ("160000", "2" * 40)})
    offer = world.offer(path="sub")
    world.run(offer, 1)
    assert offer.report and "submodules are not fetched" in offer.report["error"]


# -- secrets


def test_secrets_of_the_job_reach_the_variables_that_name_them_and_no_other(world: World) -> None:
    world.script(plan="env; exit 2")
    variables = [{"name": "PASSWORD", "from_secret": "DB_PASSWORD", "sensitive": True}, {"name": "SIZE", "value": 3}]
    offer = world.offer(variables=variables)
    names = {"HEADWATER_SECRETS": "DB_PASSWORD OTHER", "DB_PASSWORD": SECRET, "OTHER": "not for this one"}
    job = world.run(offer, **names)
    assert offer.report is not None
    seen = offer.report["plan"]["text"]
    assert "PASSWORD=***" in seen and "SIZE=3" in seen
    assert "DB_PASSWORD" not in seen and "OTHER" not in seen
    assert f"::add-mask::{SECRET}" in job.out.splitlines()[:3]
    for text in (job.shown, job.summary, offer.text, repr(offer.report)):
        assert SECRET not in text and "not for this one" not in text


def test_a_secret_that_is_not_there_is_told_with_the_mend(world: World) -> None:
    offer = world.offer(alias="db", variables=[{"name": "PASSWORD", "from_secret": "DB_PASSWORD", "sensitive": True}])
    job = world.run(offer, 1, HEADWATER_SECRETS="DB_PASSWORD", DB_PASSWORD="")  # as GitHub gives one that is missing
    assert offer.report is not None
    assert offer.report["error"] == (
        "The secret DB_PASSWORD that 'db' needs is missing or empty in this job. Add it to the secrets of the GitHub "
        "environment or of the repository; if .github/workflows/headwater.yml does not name it, write that anew: "
        "headwater init --github"
    )
    assert "::error title=Deploy 'db' at" in job.out


def test_a_secret_too_short_to_hide_is_refused(world: World) -> None:
    world.script()
    offer = world.offer(variables=[{"name": "PIN", "from_secret": "PIN", "sensitive": True}])
    world.run(offer, 1, HEADWATER_SECRETS="PIN", PIN="1234")
    assert offer.report and "fewer than 6 characters" in offer.report["error"]


@pytest.mark.parametrize("name", ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_TOKEN", "HEADWATER_URL", "RUNNER_TEMP"])
def test_what_is_the_jobs_own_is_no_secret_that_can_be_named(world: World, name: str) -> None:
    world.script()
    offer = world.offer(variables=[{"name": "X", "from_secret": name, "sensitive": True}])
    world.run(offer, 1, HEADWATER_SECRETS=name)
    assert offer.report and f"The secret {name} that 'svc' needs is missing" in offer.report["error"]


def test_tools_see_no_token_and_no_file_that_steers_the_job(world: World) -> None:
    look = "env; for one in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $one; echo; done 2>/dev/null; exit 2"
    world.script(plan=look)
    offer = world.offer()
    job = world.run(offer, GH_TOKEN="gh-token-word", ACTIONS_RUNTIME_TOKEN="runtime-word", HEADWATER_SECRETS="")
    assert offer.report and offer.token
    seen = offer.report["plan"]["text"]
    assert "headwater.pyz" in seen
    for canary in (world.token, offer.token, ASKING, "gh-token-word", "runtime-word", KEY.encode().hex()):
        assert canary not in seen
    assert not [line for line in seen.splitlines() if line.startswith(("ACTIONS_", "HEADWATER_", "GITHUB_TOKEN"))]
    assert not [line for line in seen.splitlines() if line.startswith(("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH"))]
    assert world.token not in job.shown and offer.token not in job.shown


def test_the_token_of_the_code_is_in_no_argument_and_no_file(world: World) -> None:
    """A git of ours in between writes down how it is called, and what it finds when it is done."""
    world.script()
    seen, real = world.folder / "seen", shutil.which("git")
    fake = world.folder / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\necho "$@" >> {seen}\n{real} "$@"; code=$?\ncat config >> {seen} 2>/dev/null\nexit $code\n'
    )
    fake.chmod(0o755)
    offer = world.offer()
    world.run(offer, PATH=f"{fake.parent}:{os.environ['PATH']}")
    text = seen.read_text()
    assert "fetch --quiet --depth=1" in text and "[core]" in text
    assert world.token not in text and "extraheader" not in text.lower()


def test_a_hostile_environment_changes_nothing_and_shows_nothing(world: World) -> None:
    """What earlier steps of the job, or its machine, may have left in the environment."""
    trap = world.folder / "trap"
    for name in ("askpass", "fsmonitor", "sitecustomize.py"):
        file = trap / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\ntouch {trap}/sprung\n")
        file.chmod(0o755)
    traced = world.folder / "traced"
    world.script(plan="env; exit 2")
    offer = world.offer()
    job = world.run(
        offer,
        PYTHONPATH=str(trap),
        PYTHONSTARTUP=str(trap / "askpass"),
        GIT_TRACE=str(traced),
        GIT_TRACE_CURL=str(traced),
        GIT_ASKPASS=str(trap / "askpass"),
        SSH_ASKPASS=str(trap / "askpass"),
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="core.fsmonitor",
        GIT_CONFIG_VALUE_0=str(trap / "fsmonitor"),
        GIT_DIR=str(trap),
        TF_CLI_ARGS="-destroy",
        HEADWATER_PATIENCE_SECONDS="many",
    )
    assert offer.report and offer.report["result"] == "succeeded"
    assert not (trap / "sprung").exists() and not traced.exists()
    assert not [
        line for line in offer.report["plan"]["text"].splitlines() if line.startswith(("TF_", "GIT_C", "GIT_D"))
    ]
    assert world.token not in job.shown + offer.text


def test_nothing_that_a_tool_writes_steers_the_steps_after(world: World) -> None:
    files = '"$RUNNER_TEMP"/_runner_file_commands'
    world.script(
        plan=f"for one in {files}/*; do echo EVIL=1 >> $one; done; rm {files}/path; ln -s /etc/passwd {files}/path; exit 2"
    )
    job = world.run(world.offer())
    assert {name: file.read_text() for name, file in job.files.items() if name != "STEP_SUMMARY"} == dict.fromkeys(
        ("ENV", "OUTPUT", "PATH", "STATE"), ""
    )
    assert "EVIL" not in job.summary and "### Deploy" in job.summary


def test_what_a_tool_says_is_never_a_command(world: World) -> None:
    world.script(apply="echo '::set-env name=X::y'; echo '##[add-path]/tmp'; echo '::endgroup::'; printf no-newline")
    offer = world.offer()
    job = world.run(offer)
    lines = job.out.splitlines()
    begin = lines.index("::group::Output of apply")
    token = lines[begin + 1].removeprefix("::stop-commands::")
    assert len(token) == 32
    assert lines[begin + 2 : begin + 6] == ["::set-env name=X::y", "##[add-path]/tmp", "::endgroup::", "no-newline"]
    assert lines[begin + 6 : begin + 8] == [f"::{token}::", "::endgroup::"]


def test_an_output_that_proves_sensitive_at_the_end_is_warned_of(world: World) -> None:
    world.script(
        apply="echo made hush-hush-word", outputs="""echo '{"key": {"value": "hush-hush-word", "sensitive": true}}'"""
    )
    offer = world.offer()
    job = world.run(offer)
    assert "::warning title=A sensitive output was printed::The tool printed the value" in job.out
    assert "hush-hush-word" not in repr(offer.report) + job.summary


def test_other_users_processes_cannot_look_into_ours(world: World) -> None:
    """A tool runs as the same user; the kernel keeps what the job was started with from it all the same."""
    world.script(plan="sleep 5; exit 2")
    offer = world.offer()
    job = world.job(offer)
    until(lambda: offer.beats)
    reading = (
        "import ctypes, os, sys; os.setgroups([]); ctypes.CDLL(None).prctl(24, 19, 0, 0, 0);"
        "libc = ctypes.CDLL(None); head = (ctypes.c_uint32 * 2)(0x20080522, 0); none = (ctypes.c_uint32 * 6)();"
        "libc.capset(head, none); open(f'/proc/{sys.argv[1]}/environ').read()"
    )
    done = subprocess.run(
        [sys.executable, "-c", reading, str(job.process.pid)], capture_output=True, text=True, check=False
    )
    assert "PermissionError" in done.stderr
    job.process.send_signal(signal.SIGINT)
    assert job.wait() == 1


@pytest.mark.skipif(os.getuid() != 0, reason="the other tests run as an ordinary user already")
def test_it_runs_as_an_ordinary_user(world: World) -> None:
    """As on GitHub's machines: what is kept from others must not be kept from ourselves."""
    asked = [PLAIN_PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if shutil.which(PLAIN_PYTHON) is None or subprocess.run(asked, check=False).returncode != 0:
        pytest.skip("this machine has no Python 3.11 that everybody may run")
    world.folder = Path(tempfile.mkdtemp(prefix="headwater-job-"))  # pytest's own folders are for root alone
    world.folder.chmod(0o755)
    world.zipapp = Path(shutil.copy(world.zipapp, world.folder))
    look = "cat /proc/$PPID/environ > /dev/null && echo open; echo looked; exit 2"
    world.script(plan=look)
    offer = world.offer()
    job = Job(world, offer.attempt, "key-1", {}, user=65534, python=PLAIN_PYTHON)
    world.jobs.append(job)
    assert job.wait() == 0, job.out
    assert offer.report and offer.report["plan"]["text"] == "looked\n"
    assert "Permission denied" in offer.text and job.left() == []
    shutil.rmtree(world.folder)


def test_terraform_is_planned_and_applied_with_a_secret(terraform: World) -> None:
    world, state = terraform, terraform.folder / "state"
    code = f"""
    terraform {{
      backend "local" {{
        path = "{state}"
      }}
    }}
    variable "password" {{
      type = string
      sensitive = true
    }}
    resource "terraform_data" "db" {{
      input = var.password
    }}
    output "length" {{
      value = nonsensitive(length(var.password))
    }}
    """
    world.github.commit(world.shop, {"db/main.tf": code})
    variables = [{"name": "password", "from_secret": "DB_PASSWORD", "sensitive": True}]
    offer = world.offer(tool="terraform", path="db", alias="db", variables=variables)
    job = world.run(offer, HEADWATER_SECRETS="DB_PASSWORD", DB_PASSWORD=SECRET, PATH=world.path)
    assert offer.report and (offer.report["result"], offer.report["plan"]["add"]) == ("succeeded", 1)
    assert offer.report["outputs"]["length"] == {"value": len(SECRET), "sensitive": False}
    assert "Apply complete! Resources: 1 added" in offer.text and "terraform_data.db will be created" in job.summary
    assert SECRET in state.read_text() and SECRET not in job.shown + job.summary + offer.text + repr(offer.report)
    homeless = world.offer(tool="terraform", path="none")
    homeless.spec["commit"] = world.github.commit(world.shop, {"none/main.tf": ""})
    world.run(homeless, 1, PATH=world.path)
    assert (
        homeless.report and "declares no backend, so its state would be lost with this job" in homeless.report["error"]
    )


# -- while it runs


def test_a_stop_comes_with_a_beat_and_leaves_the_tool_its_grace(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"trap 'echo saved; exit 1' INT; touch {mark}; while :; do sleep .1; done")
    offer = world.offer()
    job = world.job(offer)
    until(mark.exists)
    offer.stop = "stop"
    assert job.wait() == 1
    assert offer.report and (offer.report["result"], offer.report["applied"]) == ("cancelled", True)
    assert "saved" in offer.text and "asked to stop; the tool has 10 seconds to end" in offer.text


def test_a_kill_comes_with_a_beat_and_does_not_wait(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"trap '' INT TERM; touch {mark}; while :; do sleep .1; done")
    offer = world.offer(grace=60.0)
    job = world.job(offer)
    until(mark.exists)
    offer.stop = "kill"
    assert job.wait(20) == 1
    assert offer.report and offer.report["result"] == "cancelled"


def test_an_attempt_that_is_over_kills_its_tool(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"trap '' INT TERM; touch {mark}; while :; do sleep .1; done")
    offer = world.offer(grace=60.0)
    job = world.job(offer)
    until(mark.exists)
    offer.over = True
    assert job.wait(20) == 1
    assert offer.report and offer.report["result"] == "cancelled", "a late report counts"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_githubs_own_cancel_ends_it_with_a_report(world: World, number: signal.Signals) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"trap 'echo saved; exit 1' INT; touch {mark}; while :; do sleep .1; done")
    offer = world.offer()
    job = world.job(offer)
    until(mark.exists)
    job.process.send_signal(number)
    assert job.wait(10) == 1
    assert offer.report and offer.report["result"] == "cancelled"
    assert "saved" in offer.text


def test_a_cancel_before_the_claim_was_answered_touches_nothing(world: World) -> None:
    mark = world.folder / "mark"
    world.script(plan=f"touch {mark}; exit 2")
    offer = world.offer()
    world.bot.fault("/claim", slow(1.5))
    job = world.job(offer)
    until(lambda: world.bot.paths("/claim"))
    job.process.send_signal(signal.SIGINT)
    assert job.wait(20) == 1
    assert offer.report is not None
    assert (offer.report["result"], offer.report["error"]) == ("cancelled", "It was cancelled. Nothing was applied.")
    assert not mark.exists()


def test_a_cut_line_costs_the_tool_nothing(world: World) -> None:
    go = world.folder / "go"
    world.script(apply=f"echo begun; while [ ! -e {go} ]; do sleep .05; done; echo ended")
    offer = world.offer()
    job = world.job(offer)
    until(lambda: offer.beats)
    world.bot.fault("/beat", dropped, times=10)
    world.bot.fault("/log", lost, times=3)
    until(lambda: not world.bot.fault_for("/beat"), 40)
    beats = len(offer.beats)
    until(lambda: len(offer.beats) > beats + 1)
    go.touch()
    assert job.wait() == 0
    assert offer.text == "begun\nended\n"


def test_a_bot_that_is_away_for_a_while_is_found_again(world: World) -> None:
    go = world.folder / "go"
    world.script(apply=f"while [ ! -e {go} ]; do sleep .05; done")
    offer = world.offer()
    job = world.job(offer)
    until(lambda: offer.beats)
    with world.bot.away():
        go.touch()
        time.sleep(3)
        assert job.process.poll() is None
    assert job.wait() == 0
    assert offer.report and offer.report["result"] == "succeeded"


@pytest.mark.parametrize("how", [slow(20.0), dripping], ids=["slow", "dripping"])
def test_slow_answers_hold_up_neither_the_tool_nor_a_stop(world: World, how: Any) -> None:
    mark, done = world.folder / "mark", world.folder / "done"
    world.script(
        plan=f"touch {mark}; trap 'date +%s.%N > {done}.new; mv {done}.new {done}; exit 1' INT; while :; do sleep .1; done"
    )
    offer = world.offer(beat_every=1.0)
    world.bot.fault("/beat", how, times=3)
    job = world.job(offer)
    until(mark.exists)
    until(lambda: sum(one.times for one in world.bot.faults) == 0, 40)
    offer.stop, before = "stop", time.time()
    until(done.exists)
    assert float(done.read_text()) - before < 6
    assert job.wait() == 1


def test_connections_are_kept(world: World) -> None:
    world.script(apply="sleep 3")
    offer = world.offer()
    world.run(offer)
    ports = {port for _, path, _, port in world.bot.requests if path.endswith("/beat")}
    assert len(offer.beats) > 8 and len(ports) <= 2


# -- the log


def test_a_log_that_the_bot_has_otherwise_is_brought_together(world: World) -> None:
    go = world.folder / "go"
    world.script(apply=f"echo first; while [ ! -e {go} ]; do sleep .05; done; echo second; echo third")
    offer = world.offer()
    job = world.job(offer)
    until(lambda: offer.text == "first\n")
    offer.log[:] = b"fir"  # a bot that came back from a backup
    go.touch()
    assert job.wait() == 0
    assert offer.text == "first\nsecond\nthird\n"


def test_a_log_that_is_longer_at_the_bot_is_left_alone(world: World) -> None:
    world.script(apply="echo mine")
    offer = world.offer()
    offer.log += b"somebody else's"
    world.run(offer)
    assert offer.text == "somebody else's"


def test_a_full_log_is_not_sent_to_any_more(world: World) -> None:
    world.script(apply="for i in $(seq 9); do echo line $i; sleep .6; done")
    offer = world.offer(beat_every=0.5)
    offer.most_log = 20
    job = world.run(offer)
    assert len(offer.text) <= 20 and "line 9" in job.out
    assert len(world.bot.paths("/log")) < 9


def test_a_log_has_its_bounds_everywhere(world: World) -> None:
    world.script(apply="head -c 3000000 /dev/zero | tr '\\0' x | fold -w 99; echo the end")
    offer = world.offer(log_limit=100_000)
    job = world.run(offer)
    assert len(offer.log) < 101_000 and "bytes are left out here" in offer.text and offer.text.endswith("the end\n")
    assert len(job.out) < 20_000_000
    assert max(len(body) for path, body in world.bot.seen if "/log?" in path) <= 262_144


# -- the report


def test_the_report_is_told_until_it_is_heard(world: World) -> None:
    world.script()
    offer = world.offer()
    world.bot.fault("/report", dropped, times=2)
    world.bot.fault("/report", refused(502, b"<html>"))
    world.bot.fault("/report", lost)
    world.run(offer)
    assert (offer.reports, len(world.bot.paths("/report"))) == (2, 5), "told twice is told once"
    assert offer.beats[-1][1] > 1


def test_a_report_that_nobody_hears_is_told_in_the_end(world: World) -> None:
    world.script()
    offer = world.offer()
    world.bot.fault("/report", dropped, times=10_000)
    job = world.run(offer, 6, HEADWATER_PATIENCE_SECONDS="3")
    assert "succeeded%2C but Headwater did not hear of it::127.0.0.1 cannot be reached" in job.out
    assert len(world.bot.paths("/report")) > 2


def test_a_report_that_is_not_wanted_is_not_told_again(world: World) -> None:
    world.script()
    offer = world.offer()
    world.bot.fault("/report", refused(410, {"error": "gone"}), times=10)
    job = world.run(offer, 6)
    assert len(world.bot.paths("/report")) == 1 and "the bot says gone" in job.out


def test_a_report_that_is_too_large_is_made_smaller(world: World) -> None:
    world.script(plan="seq 20000; exit 2", outputs="""echo '{"a": 1}'""")
    short, bare = world.offer(), world.offer()
    short.most_report, bare.most_report = 100_000, 1_500
    world.run(short)
    assert short.report and (short.report["result"], short.report["outputs"]) == (
        "succeeded",
        {"a": {"value": 1, "sensitive": False}},
    )
    assert short.report["plan"]["text"].endswith("the server did not take a report of this size ...")
    bare.spec["commit"] = world.script(outputs="head -c 9000 /dev/zero | tr '\\0' x | sed 's/.*/{\"a\": \"&\"}/'")
    world.run(bare)
    assert bare.report and (bare.report["result"], bare.report["applied"], bare.report["outputs"]) == (
        "failed",
        True,
        None,
    )
    assert "too large for the server" in bare.report["error"]


def test_the_summary_has_its_bounds(world: World) -> None:
    world.script(plan="printf '  + new\\n  ~ other\\n````\\n</details> @all\\n'; seq 300000; exit 2")
    job = world.run(world.offer(kind="plan"))
    assert len(job.summary.encode()) <= 1024 * 1024
    assert "`````diff\n+   new\n!   other\n````\n</details> @all\n1\n" in job.summary
    assert job.summary.endswith("`````\n")
