"""The runner in a CI job: the zipapp as GitHub would start it, a real bot and a real git server on the other side."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.runner.channel import seal_context
from bot.runner.seal import unseal
from tests.bot.runner.bot_server import ASKING, Bot, Offer, dripping, dropped, lost, refused, slow
from tests.bot.runner.conftest import until
from tests.github import GitHub
from tests.github.world.repository import Repository

SECRET = "correct horse battery"
KEY = "k" * 32
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

    def __init__(self, world: World, attempt: str, key: str, environment: dict[str, str]) -> None:
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
        argv = [sys.executable, "-I", str(world.zipapp), "actions", "--attempt", attempt, "--key", key]
        self._out = (self.temp / "out").open("w+b")
        self.process = subprocess.Popen(
            argv, cwd=self.temp, env=self.environment, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._out,
            start_new_session=True,
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
        "::group::Check out",
        "::endgroup::",
        "::group::Plan",
        "::endgroup::",
        "::group::Apply",
        "applied",
        "::endgroup::",
        "::group::Outputs",
        "::endgroup::",
        "Headwater: succeeded",
    ]
    assert "### Deploy ` svc `\n\nSucceeded.\n\n```diff\nwould change\n```\n" in job.summary
