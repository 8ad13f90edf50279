"""A team with a repository on the GitHub on localhost, where Headwater is installed: for conversations on pull requests.

Everything is real: HTTP, git, webhooks, jobs as processes with the runner that they download, one server with its store.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, and_, not_, or_, select

from bot.decide.transitions import TaskState
from bot.github.app import App
from bot.github.limits import Limits
from bot.server import Server
from bot.settings import Settings
from bot.store.gathering import waits_for_people
from bot.store.hosted_tables import work
from bot.store.tables import deployments, tasks
from bot.web.app import create_app
from bot.web.intake import Intake
from bot.web.listener import Listener
from bot.work import Workers
from bot.working.sweeping import ALL, OLD
from planner.ci.headwater_workflow import render_headwater_workflow
from planner.definition import Definitions
from planner.index import definitions_at
from planner.repository import Repository as GitRepository
from tests.github import GitHub
from tests.github.world import requests as asking
from tests.github.world.apps import App as AppThere
from tests.github.world.pulls import Pull
from tests.github.world.repository import Repository
from tests.github.world.talk import Comment

PATIENCE = float(os.environ.get("HEADWATER_TEST_PATIENCE", "1"))
"""For a machine that is busy with other things: how many times as long to wait."""
HURRY = 20
"""How much faster people act here than elsewhere, for GitHub's limits."""
SECRET = "a secret that only GitHub and we know"
SETUP = "name: setup\nruns:\n  using: composite\n  steps:\n    - run: 'true'\n      shell: bash\n"
ACTION: Mapping[str, object] = {".github/actions/headwater-setup/action.yml": SETUP}
"""The set-up action that the generated workflow file uses."""

PLAN = """#!/bin/sh
# What differs from what is there: the file `wanted` beside this script.
[ -e fails-to-plan ] && { echo 'no plan today' >&2; exit 1; }
while [ -e @TOOLS@/hold-plan-@NAME@ ]; do sleep 0.05; done
wanted=$(cat wanted) here=$(cat @TOOLS@/@NAME@ 2>/dev/null)
[ "$wanted" = "$here" ] && exit 0
if [ -n "$here" ]; then
  echo "~ @NAME@: $here -> $wanted"; echo 'Plan: 0 to add, 1 to change, 0 to destroy.'
else
  echo "+ @NAME@: $wanted"; echo 'Plan: 1 to add, 0 to change, 0 to destroy.'
fi
exit 2
"""
APPLY = """#!/bin/sh
echo "@NAME@ begins" >> @TOOLS@/log
[ -e @TOOLS@/hold-@NAME@ ] && while [ -e @TOOLS@/hold-@NAME@ ]; do sleep 0.05; done
[ -e @TOOLS@/break-@NAME@ ] && { echo "@NAME@ broke" >> @TOOLS@/log; echo 'it broke' >&2; exit 1; }
cp wanted @TOOLS@/@NAME@
echo "@NAME@ deployed" >> @TOOLS@/log
"""
DESTROY = """#!/bin/sh
while [ -e @TOOLS@/hold-destroy-@NAME@ ]; do sleep 0.05; done
rm -f @TOOLS@/@NAME@
echo "@NAME@ destroyed" >> @TOOLS@/log
"""
OUTPUTS = """#!/bin/sh
printf '{"id": "%s"}' "$(cat @TOOLS@/@NAME@)"
"""


def environment(tools: Path, name: str, wanted: str) -> dict[str, object]:
    """The files of a `script` environment: its state is a file of its name below `tools`, its deeds are in the log."""
    texts = {"plan": PLAN, "apply": APPLY, "destroy": DESTROY, "outputs": OUTPUTS}
    made: dict[str, object] = {
        f"{name}/{file}": ("100755", text.replace("@TOOLS@", str(tools)).replace("@NAME@", name))
        for file, text in texts.items()
    }
    return {**made, f"{name}/wanted": f"{wanted}\n"}


@dataclass
class Town:
    """One GitHub with one App, one server, one repository `acme/shop`; ada and bob may write, olga is admin, eve reads."""

    folder: Path
    github: GitHub
    database_url: str | None = None
    files: dict[str, object] = field(default_factory=dict)
    more: dict[str, object] = field(default_factory=dict)
    passed: float = 0.0  # seconds that went by for our limits, besides

    def __post_init__(self) -> None:
        world = self.github.world
        world.organization("acme", ["olga"])
        self.github.limits.points_a_minute *= HURRY
        self.github.limits.content_a_minute *= HURRY
        self.github.limits.content_an_hour *= HURRY
        self.tools = self.folder / "tools"
        self.tools.mkdir()
        self.repository: Repository = self.github.repository(
            "acme/shop", {"README.md": "# Shop\n"}, write=["ada", "bob"]
        )
        self.repository.collaborators["olga"] = "admin"
        self.repository.collaborators["eve"] = "read"
        for login in ("olga", "eve"):
            world.user(login)
        self.app: AppThere = self.github.app("acme", None, secret=SECRET)
        self.settings = self._settings()
        self.server = Server(self.settings)
        self._begin()
        self.app.webhook_url = f"{self.settings.public_url}/webhook"

    # -- the server

    def _settings(self) -> Settings:
        key = self.folder / "app.pem"
        key.write_text(self.app.private_key)
        key.chmod(0o600)
        self.listener_port = _free_port()
        values: dict[str, object] = {
            "state": self.folder / "state",
            "public_url": f"http://127.0.0.1:{self.listener_port}",
            "github_app_id": self.app.id,
            "github_private_key_file": key,
            "webhook_secret": SECRET,
            "github_api_url": self.github.api_url,
            "oidc_issuer": self.github.actions.issuer.url,
            "metrics_port": 0,
            "beat_seconds": 0.2,
            "silence_seconds": 3.0 * PATIENCE,
            "claim_seconds": 3.0 * PATIENCE,
            "gather_seconds": 0.05,
            "edit_seconds": 0.2,
            "edits_a_minute": 1000,
            "poll_seconds": 0.2,
            "sweep_seconds": 3600.0,
            "stop_seconds": 5.0,
            **self.more,
        }
        if self.database_url:
            values["database_url"] = self.database_url
        self.values = values
        return Settings(**values)  # type: ignore[arg-type]

    def _begin(self) -> None:
        self.server.github = App(  # a conversation of days in seconds: what may be asked in a minute is more
            self.settings.github_app_id,
            self.settings.private_key,
            self.settings.github_api_url,
            limits=Limits(lambda: time.monotonic() * HURRY + self.passed),
        )
        self._intake = Intake(self.server.database, self.server.wake)
        app = create_app(self.server, self._intake)
        self._listener = Listener(app, "127.0.0.1", self.listener_port, most_body=25 * 2**20, threads=8, grace=2)
        self._intake.start()
        self._thread = self._listener.start()
        self.workers = Workers(self.server)
        self.workers.start()

    def stop_server(self) -> None:
        """The server goes away, as at a restart."""
        self._listener.stop()
        self._thread.join(5)
        self._intake.stop(2)
        self.workers.stop(10)
        self.server.database.engine.dispose()

    def start_server(self) -> None:
        """Another one comes, on the same state."""
        self.server = Server(self.settings)
        self._begin()

    # -- what people do

    def commit(
        self,
        files: Mapping[str, object],
        message: str = "change",
        branch: str = "main",
        by: str = "ada",
        start: str | None = None,
    ) -> str:
        """Commit and push files to a branch."""
        return self.github.commit(self.repository, files, message, branch=branch, by=by, start=start)  # type: ignore[arg-type]

    def setup(self, files: Mapping[str, object]) -> None:
        """The default branch as a team has it, with the generated workflow file and the set-up action."""
        self.commit({**files, **ACTION}, "Describe the environments")
        self.write_workflow()
        self.settle()

    def write_workflow(self, branch: str = "main") -> None:
        """Write the generated workflow file for what a branch has now."""
        git = GitRepository(self.repository.git.folder)
        head = self.repository.git.branch(branch)
        definitions = definitions_at(git, head or "").require() if head else Definitions()
        text = render_headwater_workflow(definitions, self.settings.public_url)
        self.commit({".github/workflows/headwater.yml": text}, "Write Headwater's workflow", branch=branch)

    def pull(
        self,
        files: Mapping[str, object],
        *,
        by: str = "ada",
        title: str = "Change",
        branch: str | None = None,
        draft: bool = False,
        base: str = "main",
    ) -> Conversation:
        """A pull request with these files changed."""
        name = branch or f"{by}-{len(self.repository.pulls) + 1}"
        self.commit(files, title, branch=name, by=by, start=base)
        made = asking.open_pull(
            self.github.world,
            self.repository,
            self.github.world.user(by),
            title=title,
            head=name,
            base=base,
            draft=draft,
        )
        return Conversation(self, made, by)

    def environments(self, **wanted: str) -> dict[str, object]:
        """The files of several environments, each with what it wants."""
        return {
            path: file for name, text in wanted.items() for path, file in environment(self.tools, name, text).items()
        }

    def hold(self, name: str) -> None:
        """Let deploys of an environment begin and not end."""
        (self.tools / f"hold-{name}").touch()

    def let_go(self, name: str) -> None:
        """Let them end."""
        (self.tools / f"hold-{name}").unlink()

    def hold_plan(self, name: str) -> None:
        """Let plans of an environment begin and not end, also the one that each deploy makes first."""
        (self.tools / f"hold-plan-{name}").touch()

    def let_plan_go(self, name: str) -> None:
        """Let them end."""
        (self.tools / f"hold-plan-{name}").unlink()

    def hold_destroy(self, name: str) -> None:
        """Let destroys of an environment begin and not end."""
        (self.tools / f"hold-destroy-{name}").touch()

    def let_destroy_go(self, name: str) -> None:
        """Let them end."""
        (self.tools / f"hold-destroy-{name}").unlink()

    def drift(self, name: str, there: str) -> None:
        """Somebody changes an environment by hand: what is there is not what was deployed."""
        (self.tools / name).write_text(f"{there}\n")

    def break_(self, name: str) -> None:
        """Let deploys of an environment fail."""
        (self.tools / f"break-{name}").touch()

    def mend(self, name: str) -> None:
        """Let them succeed again."""
        (self.tools / f"break-{name}").unlink()

    # -- time

    def settle(self, seconds: float = 60.0) -> None:
        """Wait until nothing is under way any more, at GitHub or here; raises TimeoutError with what is left."""
        end = time.monotonic() + seconds * PATIENCE
        calm = 0
        while calm < 3:
            calm = calm + 1 if self._idle() else 0
            if time.monotonic() > end:
                raise TimeoutError(self._left())
            time.sleep(0.05)

    def _idle(self) -> bool:
        return self.github.idle and not self._left()

    def _left(self) -> str:
        with self.server.database.reading() as connection:
            soon = time.time() + 3.5  # checks are edited some time after comments
            at_its_time = or_(work.c.kind == "runs", and_(work.c.kind == "sweep", work.c.key.in_((ALL, OLD))))
            rows = connection.execute(
                select(work.c.kind, work.c.key, work.c.error).where(not_(at_its_time), work.c.due_at < soon)
            ).all()
            left = [f"{kind} {key} {error}" for kind, key, error in rows]
            unfinished = connection.execute(
                select(deployments.c.id, deployments.c.action).where(deployments.c.state.in_(["queued", "running"]))
            ).all()
            for number, action in unfinished:
                if self._moves(connection, number):
                    left.append(f"deployment {number} ({action})")
        return "; ".join(left)

    def _moves(self, connection: Connection, number: int) -> bool:
        """Whether it goes on by itself; what asks for an approval is called off by a stop."""
        asks = (tasks.c.deployment_id == number) & (tasks.c.state == TaskState.NEEDS_APPROVAL.value)
        stopped = (deployments.c.id == number) & deployments.c.stop.is_not(None)
        called_off = select(tasks.c.id).join(deployments).where(asks, stopped).limit(1)
        return connection.execute(called_off).first() is not None or not waits_for_people(connection, number)

    def tried_again(self) -> list[str]:
        """The kinds of work that failed, and are tried again."""
        with self.server.database.reading() as connection:
            return list(connection.execute(select(work.c.kind).where(work.c.attempts > 0)).scalars())

    def wait_for(self, what: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds * PATIENCE
        while not what():
            if time.monotonic() > end:
                raise TimeoutError(f"it did not come to be in {seconds} s; left: {self._left()}")
            time.sleep(0.02)

    # -- what can be seen

    def tool_log(self) -> list[str]:
        """What the tools themselves wrote down, in order: `db deploy`."""
        try:
            return (self.tools / "log").read_text().splitlines()
        except FileNotFoundError:
            return []

    def tasks(self) -> list[str]:
        """The newest deployments' tasks, as `deployment alias action state code`."""
        with self.server.database.reading() as connection:
            rows = connection.execute(select(tasks).order_by(tasks.c.id)).all()
        return [f"{row.deployment_id} {row.alias} {row.action} {row.state} {row.code}" for row in rows]

    def stop(self) -> None:
        """End all of it."""
        self.stop_server()


@dataclass
class Conversation:
    """One pull request, as people talk on it."""

    town: Town
    pull: Pull
    author: str

    @property
    def number(self) -> int:
        """Its number."""
        return self.pull.number

    @property
    def head(self) -> str:
        """Its head commit."""
        return self.pull.head_sha

    def push(self, files: Mapping[str, object], message: str = "more", by: str | None = None) -> str:
        """Push to its branch."""
        return self.town.commit(files, message, branch=self.pull.head_branch, by=by or self.author)

    def comment(self, text: str, by: str | None = None) -> Comment:
        """Write a comment; whoever writes it has read what is there for at least a second (GitHub tells whole ones)."""
        world = self.town.github.world
        world.clock.move(1)
        return asking.comment(world, self.town.repository, self.number, world.user(by or self.author), text)

    def say(self, text: str, by: str | None = None) -> str:
        """Write a comment, wait until all is calm, and give the newest answer."""
        before = {one.id for one in self.ours()}
        self.comment(text, by)
        self.town.settle()
        return "\n\n".join(shown(one.body) for one in self.ours() if one.id not in before)

    def review(self, by: str, event: str = "APPROVE", body: str = "") -> None:
        """Review it."""
        world = self.town.github.world
        asking.review(world, self.town.repository, self.pull, world.user(by), event, body)

    def merge(self, by: str = "bob", method: str = "merge", message: str | None = None) -> str:
        """Merge it; gives the commit."""
        world = self.town.github.world
        return asking.merge_pull(world, self.town.repository, self.pull, world.user(by), method=method, message=message)

    def close(self, by: str | None = None) -> None:
        """Close it without merging."""
        world = self.town.github.world
        asking.edit_pull(world, self.town.repository, self.pull, world.user(by or self.author), state="closed")

    def reopen(self, by: str | None = None) -> None:
        """Open it again."""
        world = self.town.github.world
        asking.edit_pull(world, self.town.repository, self.pull, world.user(by or self.author), state="open")

    def ours(self) -> list[Comment]:
        """The bot's comments, oldest first."""
        bot = self.town.app.bot
        found = [one for one in self.town.repository.comments.values() if one.number == self.number and one.user is bot]
        return sorted(found, key=lambda one: one.id)

    def plan(self) -> str:
        """The plan comment as people read it."""
        found = [one for one in self.ours() if one.body.startswith("<!-- headwater plan ")]
        assert len(found) == 1, [one.body[:60] for one in self.ours()]
        return shown(found[0].body)

    def newest(self) -> str:
        """The newest of the bot's comments."""
        return shown(self.ours()[-1].body)

    def checks(self) -> dict[str, str]:
        """Our checks at the head: name -> conclusion (or status)."""
        found = {}
        for check in self.town.repository.check_runs.values():
            suite = self.town.repository.check_suites.get(check.suite) if isinstance(check.suite, int) else check.suite
            app = getattr(suite, "app", None)
            if check.head_sha == self.head and check.name.startswith("headwater") and app == self.town.app.id:
                found[check.name] = check.conclusion or check.status
        return dict(sorted(found.items()))

    def reactions(self, comment: Comment) -> list[str]:
        """How the bot reacted to a comment."""
        return [one.content for one in comment.reactions if one.user is self.town.app.bot]


def shown(body: str) -> str:
    """A comment's text with what differs from run to run in its place: commits, durations, addresses, numbers of runs."""
    text = body.partition("\n")[2] if body.startswith("<!-- headwater") else body
    text = re.sub(r"http://127\.0\.0\.1:\d+", "https://github", text)
    text = re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", text)
    text = re.sub(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID", text)
    text = re.sub(r"`[0-9a-f]{7}`", "`COMMIT7`", text)
    text = re.sub(r"/commit/[0-9a-f]{7,40}", "/commit/COMMIT", text)
    text = re.sub(r"(?<![\w/.#-])[0-9a-f]{7,10}(?![\w-])", "COMMIT7", text)
    text = re.sub(r"actions/runs/\d+(/job/\d+)?", "actions/runs/RUN", text)
    text = re.sub(r"\b20\d\d-\d\d-\d\d\s\d\d:\d\d\sUTC", "DATE", text)
    text = re.sub(r"\bsince\s\d\d:\d\d\sUTC", "since TIME", text)
    text = re.sub(r"\b\d+(\.\d)?[\s ]s\b", "N s", text)
    return text.strip()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
