"""The story of a team on pull requests: what `make demo` runs, and `make demo KEEP=1` leaves up to play with.

A GitHub on localhost, the bot as its own process, jobs with the runner that they download, and real Terraform. Each
comment is printed as it appears; the page to watch is told at the start. What the story says is checked: the exit code
is not 0 if something else happens.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from demo_cli import (  # noqa: E402
    BINARIES,
    BOLD,
    COLOUR,
    CYAN,
    FAINT,
    GREEN,
    ON_TERMINAL,
    RED,
    SHOP,
    WIDTH,
    UnexpectedError,
    paint,
    remove,
    say,
    supply_terraform,
)

from tests.github import GitHub  # noqa: E402
from tests.github.world import requests as asking  # noqa: E402
from tests.github.world.pulls import Pull  # noqa: E402
from tests.github.world.repository import Repository  # noqa: E402

PATIENCE = 90.0
"""Seconds after which nothing pauses any more."""
STACKS = ("network", "db", "eks", "billing", "configuration")
QUOTA = "infra/eks/main.tf"


class Demo:
    """One telling: a GitHub, a bot, a repository, and three people."""

    def __init__(self, folder: Path, github: GitHub) -> None:
        self.folder, self.github = folder, github
        self.begun = time.monotonic()
        self.chapters = 0
        self.bot: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.printed: dict[int, str] = {}
        github.world.organization("acme", ["olga"])
        self.repository: Repository = github.repository("acme/shop", {"README.md": "# Shop\n"}, write=["ada", "bob"])
        self.app = github.app("acme", f"{self.url}/webhook", secret="the demo's own secret")
        github.actions.more["hashicorp/setup-terraform"] = self._setup_terraform

    @property
    def url(self) -> str:
        """Where the bot is."""
        return f"http://127.0.0.1:{self.port}"

    def _setup_terraform(self, worker: Any, _given: dict[str, str]) -> dict[str, str]:  # noqa: ANN401
        worker.path.extend([str(BINARIES), str(self.folder / "bin")])
        return {}

    # ---- telling

    def chapter(self, title: str, text: str) -> None:
        """A new part of the story."""
        self.chapters += 1
        rule = "─" * max(WIDTH - len(title) - 6, 2)
        say(f"\n{paint(f'── {self.chapters} ', CYAN)}{paint(title, BOLD, CYAN)} {paint(rule, CYAN)}")
        self.tell(text)

    def tell(self, text: str) -> None:
        """Narrate, and leave time to read it."""
        say()
        for line in textwrap.wrap(" ".join(text.split()), WIDTH):
            say(paint(line, "3") if COLOUR else line)
        if ON_TERMINAL and time.monotonic() - self.begun < PATIENCE:
            time.sleep(1.0 + len(text) / 150)

    def person(self, login: str, does: str, text: str) -> None:
        """Show what somebody does."""
        say(f"\n  {paint(login, GREEN, BOLD)} {paint(does, FAINT)} {paint(text, BOLD)}")

    # ---- doing

    def start_bot(self) -> None:
        """Start the bot as its operator does: settings from the environment."""
        key = self.folder / "app.pem"
        key.touch(mode=0o600)
        key.write_text(self.app.private_key)
        settings = {
            "HEADWATER_STATE": str(self.folder / "state"),
            "HEADWATER_PUBLIC_URL": self.url,
            "HEADWATER_GITHUB_APP_ID": str(self.app.id),
            "HEADWATER_GITHUB_PRIVATE_KEY_FILE": str(key),
            "HEADWATER_WEBHOOK_SECRET": "the demo's own secret",
            "HEADWATER_GITHUB_API_URL": self.github.api_url,
            "HEADWATER_OIDC_ISSUER": self.github.actions.issuer.url,
            "HEADWATER_METRICS_PORT": "0",
            "HEADWATER_BEAT_SECONDS": "1",
            "HEADWATER_SILENCE_SECONDS": "10",
            "HEADWATER_LOG_LEVEL": "warning",
        }
        outer = {name: value for name, value in os.environ.items() if not name.startswith("HEADWATER_")}
        log = (self.folder / "bot.log").open("wb")
        self.bot = subprocess.Popen(
            [str(BINARIES / "headwater"), "serve", "--port", str(self.port)],
            env={**outer, **settings},
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.wait(self._answers, "the bot to answer")

    def _answers(self) -> bool:
        if self.bot is not None and self.bot.poll() is not None:
            raise UnexpectedError(f"the bot ended: {(self.folder / 'bot.log').read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop_bot(self) -> None:
        """End the bot, as a service manager does."""
        if self.bot is not None:
            self.bot.terminate()
            try:
                self.bot.wait(15)
            except subprocess.TimeoutExpired:
                self.bot.kill()

    def first_commit(self) -> None:
        """The shop's stacks, each with a backend of the team's own, and what `headwater init --github` writes."""
        clone = self.folder / "clone"
        token = self.github.world.personal_token("ada")
        address = f"{self.github.url.replace('://', f'://ada:{token}@')}/acme/shop.git"
        self._git(self.folder, "clone", "--quiet", address, str(clone))
        shutil.copytree(SHOP, clone, dirs_exist_ok=True)
        for stack in STACKS:
            state = self.folder / "states" / f"{stack}.tfstate"
            text = f'terraform {{\n  backend "local" {{\n    path = "{state}"\n  }}\n}}\n'
            (clone / "infra" / stack / "backend.tf").write_text(text)
        eks = clone / QUOTA  # the account's quota is a file here, so that somebody can raise it
        text = eks.read_text().replace(
            "self.output.size <= 5", f'self.output.size <= tonumber(file("{self.folder}/quota"))'
        )
        eks.write_text(text.replace("quota is 5 nodes", "quota is exceeded"))
        say(f"\n{paint('$', GREEN)} {paint(f'headwater init --github --url {self.url}', BOLD)}")
        self._git(clone, "add", ".")
        init = [str(BINARIES / "headwater"), "init", "--github", "--url", self.url]
        done = subprocess.run(init, cwd=clone, env=git_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnexpectedError(f"headwater init failed: {done.stderr}")
        say(textwrap.indent(done.stdout.rstrip(), ""))
        self._git(clone, "add", ".")
        self._git(clone, "commit", "--quiet", "-m", "The shop, and Headwater's workflow")
        self._git(clone, "push", "--quiet", "origin", "HEAD:main")

    def _git(self, folder: Path, *argv: str) -> None:
        subprocess.run(["git", *argv], cwd=folder, env=git_environment(), check=True, capture_output=True)

    def file(self, path: str) -> str:
        """A file of the default branch."""
        git = self.repository.git
        return str(git.run("show", f"main:{path}")) + "\n"

    def open(self, title: str, by: str, path: str, before: str, after: str, branch: str) -> Pull:
        """A pull request that changes one line."""
        text = self.file(path)
        if before not in text:
            raise UnexpectedError(f"{path} has no {before!r}")
        changed = text.replace(before, after)
        say(f"\n  {paint(by, GREEN, BOLD)} {paint('opens', FAINT)} {paint(title, BOLD)}  {paint(path, FAINT)}")
        say(paint(f"  - {before}", RED))
        say(paint(f"  + {after}", GREEN))
        self.github.commit(self.repository, {path: changed}, title, branch=branch, by=by)
        person = self.github.world.user(by)
        made = asking.open_pull(self.github.world, self.repository, person, title=title, head=branch)
        say(f"  {paint(f'{self.github.url}/acme/shop/pull/{made.number}', CYAN)}")
        return made

    def comment(self, pull: Pull, by: str, text: str) -> None:
        """Somebody writes a comment, after having read what is there: GitHub's times are whole seconds."""
        time.sleep(1.1)
        self.person(by, "writes", text)
        asking.comment(self.github.world, self.repository, pull.number, self.github.world.user(by), text)

    def merge(self, pull: Pull, by: str) -> None:
        """Somebody merges."""
        self.person(by, "merges", f"#{pull.number}")
        asking.merge_pull(self.github.world, self.repository, pull, self.github.world.user(by))

    # ---- watching

    def answer(self, pull: Pull, pattern: str, seconds: float = 120.0) -> None:
        """Print the bot's comments as they change, until one's headline is as the story says."""
        wanted = re.compile(pattern, re.IGNORECASE)
        self.wait(lambda: self._look(pull, wanted), f"a comment that says {pattern!r}", seconds)

    def _look(self, pull: Pull, wanted: re.Pattern[str]) -> bool:
        with self.github.world.lock:
            found = [
                (one.id, one.body)
                for one in sorted(self.repository.comments.values(), key=lambda one: one.id)
                if one.number == pull.number and one.user is self.app.bot
            ]
        hit = False
        for number, body in found:
            known = self.printed.get(number)
            if known == body:
                continue
            self.printed[number] = body
            headline = headline_of(body)
            done = bool(wanted.search(headline))
            if known is None or done or headline_of(known) != headline:
                print_comment(body, whole=known is None or done, edited=known is not None)
            hit = hit or done
        return hit

    def wait(self, what: Callable[[], bool], words: str, seconds: float = 60.0) -> None:
        """Wait for something; what does not come ends the story."""
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                raise UnexpectedError(f"waited {seconds:.0f} s for {words}")
            time.sleep(0.1)


def headline_of(body: str) -> str:
    """The first heading of a comment."""
    return next((line.lstrip("# ") for line in body.splitlines() if line.startswith("#")), "")


def print_comment(body: str, *, whole: bool, edited: bool) -> None:
    """A comment for a terminal: headline and table, folded parts by their titles, drawings left to the page."""
    mark = paint("headwater edits" if edited else "headwater", CYAN, BOLD)
    say(f"\n  {mark}  {paint(plain(headline_of(body)), BOLD)}")
    if not whole:
        return
    for line in simplified(body):
        say(f"  {paint('│', FAINT)} {line}")


def simplified(body: str) -> list[str]:
    """The lines of a comment that a terminal shows."""
    found: list[str] = []
    rows: list[list[str]] = []
    fenced = unfolded = False
    folded = 0
    for line in body.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if fenced:
            if line.startswith("/") and not folded:  # a command to type
                found.append(f"    {paint(plain(line), BOLD)}")
            elif unfolded and line.strip("│╷╵ "):  # an error
                found.append(f"    {paint(line.rstrip(), FAINT)}")
            continue
        unfolded = (unfolded or line.startswith("<details open>")) and "</details>" not in line
        folded += line.count("<details>")
        if title := re.search(r"<summary>(.*?)</summary>", line):
            found.append(f"▸ {plain(title[1])}")
        elif line.startswith("|"):
            rows.append([plain(cell.strip()) for cell in line.strip("|").split("|")])
            continue
        elif not folded and line.strip() and not line.startswith(("<!--", "#", "<details")):
            found.append(plain(line))
        folded -= line.count("</details>")
        if rows:
            found[-1:-1] = aligned(rows)
            rows = []
    return [one[: WIDTH + 20] for one in [*found, *aligned(rows)] if one.strip()]


def aligned(rows: list[list[str]]) -> list[str]:
    """A table as text."""
    rows = [row for row in rows if not all(set(cell) <= set(":- ") for cell in row) or not any(row)]
    if not rows:
        return []
    columns = max(len(row) for row in rows)
    widths = [max(len(row[at]) if at < len(row) else 0 for row in rows) for at in range(columns)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]


def plain(text: str) -> str:
    """Markdown of one line as plain text."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<[^>]+>", "", text)
    text = re.sub(r"&nbsp;|&#8203;|\u200b|\xa0", " ", text)
    text = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return re.sub(r"[`*]|\\(?=[^\w\s])", "", text).strip()


def git_environment() -> dict[str, str]:
    """Git without this user's settings."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "HEADWATER_"))}
    names = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER")
             for name, value in {"NAME": "ada", "EMAIL": "ada@example.com"}.items()}  # fmt: skip
    return {**outer, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def tell_it(demo: Demo, terraform: str) -> None:
    """The story from its beginning to its end."""
    demo.chapter(
        "A team installs Headwater",
        f"""acme/shop is six stacks that need each other: five of {terraform}, one folder of scripts. The team installs
        a GitHub App and commits one generated workflow file. Watch along in a browser:""",
    )
    say(f"\n  {paint(f'{demo.github.url}/acme/shop', CYAN, BOLD)}")
    demo.start_bot()
    demo.first_commit()
    tell_of_the_first_deploy(demo)
    tell_of_a_merge(demo)
    tell_of_a_failure(demo)
    tell_of_the_end(demo)


def tell_of_the_first_deploy(demo: Demo) -> None:
    """Plan comment, /deploy, live comment, merge."""
    demo.chapter(
        "A pull request is planned",
        """Nothing is deployed yet, so this first change of the network touches all six. Only the network can be planned;
        all else reads outputs that do not exist before it is there. No placeholder is made up for them.""",
    )
    pull = demo.open(
        "Use our own address range", "ada", "infra/network/main.tf", "10.0.0.0/16", "10.20.0.0/16", "range"
    )
    demo.answer(pull, r"^6 environments: ")
    demo.chapter(
        "/deploy",
        """Each environment becomes a job of the team's own GitHub Actions the moment all that it needs is there. The
        comment is edited as it goes; the page shows its graph.""",
    )
    demo.comment(pull, "ada", "/deploy")
    demo.answer(pull, r"^Deployed 6")
    demo.merge(pull, "bob")
    demo.answer(pull, r"already deployed|Nothing|Done")


def tell_of_a_merge(demo: Demo) -> None:
    """A merge deploys what differs."""
    demo.chapter(
        "A merge deploys the rest",
        """The database moves to another port. The plan shows who reads that; nobody types /deploy. The merge deploys just
        these, as they were shown; the merged pull request tells how it went.""",
    )
    pull = demo.open("Move the database to port 6432", "ada", "infra/db/main.tf", "5432", "6432", "port")
    demo.answer(pull, r"^4 environments: ")
    demo.merge(pull, "bob")
    demo.answer(pull, r"^Deployed ")


def tell_of_a_failure(demo: Demo) -> None:
    """A failing change, blocked descendants, a mend, /retry."""
    demo.chapter(
        "A change that fails",
        """Eight nodes, where the account may have five: no plan can know that, the apply fails. What needs the cluster is
        blocked, by name, and still runs as before.""",
    )
    pull = demo.open("More nodes", "bob", QUOTA, "nodes = 3", "nodes = 8", "nodes")
    demo.answer(pull, r"^(4 environments|1 environment|.*eks)")
    demo.comment(pull, "bob", "/deploy")
    demo.answer(pull, r"failed")
    demo.tell(
        """Somebody has the quota raised. /retry runs what failed, then what that had blocked, and nothing else. (Terraform
        had made the nodes before its check failed: nothing is left to change, and what was blocked goes on.)"""
    )
    (demo.folder / "quota").write_text("10")
    demo.comment(pull, "bob", "/retry")
    demo.answer(pull, r"^(Deployed|4 environments: no changes)")
    demo.merge(pull, "ada")


def tell_of_the_end(demo: Demo) -> None:
    """Destroy in reverse, after an approval."""
    demo.chapter(
        "/destroy",
        """The same graph, turned round: services first, the network last. It shows the plans and waits for somebody else
        to approve them.""",
    )
    pull = demo.open("Close the shop", "ada", "README.md", "# Shop", "# Shop (closed)", "close")
    demo.wait(lambda: bool(checks_of(demo, pull)), "the check that says that nothing is affected")
    demo.comment(pull, "ada", "/destroy --confirm shop")
    demo.answer(pull, r"wait to be destroyed")
    demo.comment(pull, "bob", "/approve")
    demo.answer(pull, r"^Destroyed 6", 180)


def checks_of(demo: Demo, pull: Pull) -> list[str]:
    """The conclusions of our checks at the head of a pull request."""
    runs = list(demo.repository.check_runs.values())
    return [
        one.conclusion for one in runs if one.head_sha == pull.head_sha and one.conclusion and "headwater" in one.name
    ]


def main() -> int:
    """Tell the story in a temporary folder; the exit code says whether all went as told."""
    parser = argparse.ArgumentParser(prog="demo", description="Headwater on pull requests, on localhost.")
    parser.add_argument("--keep", action="store_true", help="stay up afterwards, to play with")
    given = parser.parse_args()
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="headwater-demo-"))
    (folder / "tmp").mkdir()
    os.environ["CHECKPOINT_DISABLE"] = "1"  # Terraform leaves nothing in the home folder
    os.environ["TMPDIR"] = str(folder / "tmp")
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    demo: Demo | None = None
    try:
        terraform = supply_terraform(folder)
        (folder / "quota").write_text("5")
        with GitHub(folder / "github") as github:
            demo = Demo(folder, github)
            try:
                tell_it(demo, terraform)
                took = time.monotonic() - begun
                say(f"\n{paint('✓', GREEN)} That was all, in {took:.0f} seconds. Now your own: docs/github-setup.md.")
                if given.keep:
                    say(f"\nStill up, to play with: {paint(f'{github.url}/acme/shop', CYAN)} (Ctrl-C ends it)")
                    say("There you propose changes of files, and write commands below pull requests: /deploy, /help …")
                    threading.Event().wait()
            finally:
                demo.stop_bot()
    except KeyboardInterrupt:
        say("\nStopped; the demo's folder is removed.")
        return 130
    except UnexpectedError as error:
        say(f"\n{paint('The demo did not go as told:', RED)} {error}")
        if demo is not None and (folder / "bot.log").exists():
            say(paint((folder / "bot.log").read_text()[-3000:], FAINT))
        return 1
    finally:
        remove(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
