"""One run: a GitHub on localhost, Headwater as processes of its own, people who act, and what is remembered of it all."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select

from bot.store.gathering import waits_for_people
from bot.store.hosted_tables import work
from bot.store.tables import deployments
from planner.ci.headwater_workflow import render_headwater_workflow
from planner.index import definitions_at
from planner.repository import Repository as GitRepository
from tests.github import GitHub
from tests.github.world import requests as asking
from tests.github.world.git_store import Files
from tests.github.world.pulls import Pull
from tests.github.world.refusal import Refusal
from tests.soak import hurry, machines, tools
from tests.soak.between import Between
from tests.soak.faults import AT_COMMIT
from tests.soak.nursery import Forked, Nursery
from tests.soak.processes import Processes
from tests.soak.records import Deed, Weather
from tests.soak.story import ADMIN, ALSO, READER, WRITERS, Scenario, Step

SECRET = "the-webhook-secret-of-the-laboratory"
CANARY, OUTPUT_CANARY = "canary-of-a-secret-7f3a", "canary-of-an-output-9c41"
SETUP = "name: setup\nruns:\n  using: composite\n  steps:\n    - run: 'true'\n      shell: bash\n"
CALM_SECONDS = 8.0
"""How long people wait for a bot that does not come to rest."""


KEY = base64.b64encode(b"k" * 32).decode()
"""What the server encrypts with."""


class World:
    """The world of one scenario. `happened` counts the faults that really did."""

    def __init__(self, scenario: Scenario, folder: Path, nursery: Nursery, database_url: str, defect: str = "") -> None:
        self.scenario, self.folder, self.nursery = scenario, folder, nursery
        self.tools = folder / "tools"
        self.tools.mkdir(parents=True)
        self.runners: dict[int, Forked] = {}
        self.printed: list[str] = []  # what runners wrote to their jobs' logs, before GitHub masked it
        self.complaints: list[str] = []  # what was let in that should have been refused
        self.happened: Counter[int] = Counter()
        self.weather: list[Weather] = []
        self.deeds: list[Deed] = []
        self.pulls: dict[int, Pull] = {}
        self.commits: dict[str, dict[str, str]] = {}  # commit -> environment -> text
        self.bases: dict[str, str] = {}  # commit -> where its branch began on main
        self.over = threading.Event()
        self.redefined = threading.Lock()  # whoever has changed the workflow file has it
        self.acting = threading.RLock()  # one person at a time
        self.database_url = database_url
        address = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.engine = create_engine(address, pool_pre_ping=True)
        self.between: Between | None = None
        if any(one.number == AT_COMMIT for one in scenario.faults):
            self.between = Between(database_url, folder)
            self.database_url = self.between.url
        self.github = GitHub(folder / "github")
        self._people()
        self.port = _free_port()
        self._first_commits()
        self.app = self.github.app("acme", f"http://127.0.0.1:{self.port}/webhook", secret=SECRET)
        self.processes = Processes(
            nursery, folder, scenario.database, self.port, self._settings(), defect, dies_at=scenario.dies_at
        )
        machines.use(self.github.actions, self)
        self.github.actions.more["actions/checkout"] = lambda *_: {}
        self.github.actions.cancel_seconds = 1.0
        self.github.actions.minute = 0.6
        self.github.start()

    # -- how it begins

    def _people(self) -> None:
        world = self.github.world
        for limit in ("points_a_minute", "content_a_minute", "content_an_hour", "hourly"):
            setattr(self.github.limits, limit, getattr(self.github.limits, limit) * hurry.SPEED)
        self.hourly = self.github.limits.hourly
        world.organization("acme", [ADMIN])
        self.repository = self.github.repository("acme/shop", {"README.md": "# Shop\n"}, write=WRITERS)
        self.repository.collaborators |= {ADMIN: "admin", READER: "read"}
        for login in (ADMIN, READER):
            world.user(login)
        self.repository.secrets["CANARY"] = CANARY

    def _first_commits(self) -> None:
        for name, seconds in self.scenario.slow.items():
            (self.tools / f"sleep-{name}").write_text(str(seconds))
        self.wanted = {name: f"{name}-0" for name in self.scenario.needs}
        files: dict[str, object] = {"headwater.yml": self._workflow()}
        for name, text in self.wanted.items():
            files |= tools.files_of(self.tools, name, text, OUTPUT_CANARY)
        files[".github/actions/headwater-setup/action.yml"] = SETUP
        first = self.github.commit(self.repository, files, "Describe the environments")  # type: ignore[arg-type]
        definitions = definitions_at(GitRepository(self.repository.git.folder), first).require()
        text = render_headwater_workflow(definitions, f"http://127.0.0.1:{self.port}")
        commit = self.github.commit(self.repository, {".github/workflows/headwater.yml": text}, "Add the workflow")
        self.commits[first] = self.commits[commit] = dict(self.wanted)
        self.bases["main"] = commit

    def _workflow(self) -> str:
        told = self.scenario
        lines = ["name: soak", f"triggers: {{deployOnMerge: {str(told.deploy_on_merge).lower()}}}"]
        lines += [f"requirements: {{approvals: {told.approvals}}}"]
        lines += ["variables:", "  CANARY: {fromSecret: CANARY, plan: true}", "environments:"]
        for place, (name, needs) in enumerate(told.needs.items()):
            lines += [f"  {name}:", f"    vcs: {{type: script, path: {name}}}"]
            if needs:
                lines.append(f"    needs: [{', '.join(needs)}]")
            if name in told.asking:
                lines.append("    requiresApproval: true")
            if needs and place % 2:
                lines += ["    variables:", f"      ABOVE: ${{environments.{needs[0]}.outputs.id}}"]
        return "\n".join(lines) + "\n"

    def _settings(self) -> dict[str, object]:
        key = self.folder / "app.pem"
        key.write_text(self.app.private_key)
        key.chmod(0o600)
        return {
            **hurry.SETTINGS,
            "public_url": f"http://127.0.0.1:{self.port}",
            "github_app_id": self.app.id,
            "github_private_key_file": key,
            "webhook_secret": SECRET,
            "github_api_url": self.github.api_url,
            "oidc_issuer": self.github.actions.issuer.url,
            "database_url": self.database_url,
            "key": KEY,
        }

    # -- what people do

    def do(self, step: Step) -> None:
        """Do one step, after what it waits for. People are told no by GitHub, and go on."""
        if step.calm:  # who might not when they asked has to be answered before they may again
            patient = step.kind == "permit" or self.scenario.dies_at
            self.wait_for_calm(CALM_SECONDS * (10 if patient else 1))
        self.over.wait(step.wait)
        with self.acting, contextlib.suppress(Refusal):
            getattr(self, f"_{step.kind}")(step)

    def _note(self, step: Step, pull: Pull | None, text: str = "") -> None:
        role = self.github.world.role(self.repository, step.who) if step.who else ""
        head = pull.head_sha if pull else self.head("main")
        number, lines = pull.number if pull else 0, self.lines()
        reads = step.kind in ("say", "merge")
        read = "\n".join(body for one in self.ours(number) for _, body in one.history) if reads else ""
        self.deeds.append(Deed(time.time(), step.kind, step.who, number, text or step.text, head, role, lines, read))

    def lines(self) -> int:
        """How many lines the tools' log has."""
        log = self.tools / "log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def note(self, kind: str, who: str, pull: Pull | None = None) -> None:
        """Write down what happened to somebody, or to a pull request."""
        self._note(Step(kind, who), pull)

    def head(self, branch: str) -> str:
        """The commit at the tip of a branch."""
        return self.repository.git.branch(branch) or ""

    def commit(self, wanted: dict[str, str], branch: str, by: str, message: str) -> str:
        """Commit and push what environments shall be."""
        files = {f"{name}/wanted": f"{text}\n" for name, text in wanted.items()}
        with self.github.world.lock:
            self.bases.setdefault(branch, self.head("main"))
            below = self.commits_text(self.head(branch) or self.head("main"))
            made = self.github.commit(self.repository, files, message, branch=branch, by=by)
            self.commits[made] = {**below, **wanted}
            self.bases[made] = self.bases[branch]
        return made

    def on_main(self, files: Files, message: str) -> None:
        """Commit what changes no environment's text straight to the default branch."""
        with self.github.world.lock:
            below = self.commits_text(self.head("main"))
            made = self.github.commit(self.repository, files, message, branch="main", by="ada")
            self.commits[made] = dict(below)

    def commits_text(self, commit: str) -> dict[str, str]:
        """What each environment shall be at a commit."""
        if commit not in self.commits:
            git = self.repository.git
            self.commits[commit] = {
                name: str(git.run("show", f"{commit}:{name}/wanted")).strip() for name in self.scenario.needs
            }
        return self.commits[commit]

    def _open(self, step: Step) -> None:
        branch = f"branch-{step.pull}"
        self.commit(dict(step.wanted), branch, step.who, f"Change {step.pull}")
        person = self.github.world.user(step.who)
        self.pulls[step.pull] = made = asking.open_pull(
            self.github.world, self.repository, person, title=f"Change {step.pull}", head=branch
        )
        self._note(step, made)

    def _push(self, step: Step) -> None:
        if (pull := self.pulls.get(step.pull)) is not None and pull.state == "open":
            self.commit(dict(step.wanted), pull.head_branch, step.who, "More")
            self._note(step, pull)

    def _say(self, step: Step) -> None:
        if (pull := self.pulls.get(step.pull)) is None:
            return
        world = self.github.world
        with world.lock:
            world.clock.move(1)
            text = self._meant(step, pull)
            self._note(step, pull, text)
            asking.comment(world, self.repository, pull.number, world.user(step.who), text)

    def _meant(self, step: Step, pull: Pull) -> str:
        """A bare `/approve` is of what waits there by the bot's comments."""
        if step.text != "/approve":
            return step.text
        names = [name + also for name in self.scenario.needs for also in ("", ALSO)]
        waiting = [name for name in names if any(_asks(one.body, name) for one in self.ours(pull.number))]
        return f"/approve {' '.join(waiting)}" if waiting else "/approve"

    def ours(self, number: int) -> list[Any]:
        """The bot's comments on a pull request, oldest first."""
        bot = self.app.bot
        return sorted(
            (one for one in list(self.repository.comments.values()) if one.number == number and one.user is bot),
            key=lambda one: one.id,
        )

    def _review(self, step: Step) -> None:
        if (pull := self.pulls.get(step.pull)) is not None:
            self._note(step, pull)
            asking.review(self.github.world, self.repository, pull, self.github.world.user(step.who), "APPROVE", "")

    def _merge(self, step: Step) -> None:
        if (pull := self.pulls.get(step.pull)) is not None:
            made = asking.merge_pull(self.github.world, self.repository, pull, self.github.world.user(step.who))
            self.commits_text(made)
            self._note(step, pull, made)

    def _close(self, step: Step) -> None:
        if (pull := self.pulls.get(step.pull)) is not None:
            person = self.github.world.user(step.who)
            asking.edit_pull(self.github.world, self.repository, pull, person, state="closed")
            self._note(step, pull)

    def _direct(self, step: Step) -> None:
        made = self.commit(dict(step.wanted), "main", step.who, "Straight to main")
        self._note(step, None, made)

    def _permit(self, step: Step) -> None:
        login, role = step.text.split()
        with self.github.world.lock:
            self.repository.collaborators[login] = role
        self._note(step, None)

    def _made(self, step: Step) -> None:
        """Somebody made by hand what a pull request wants."""
        for name, text in self.commits_text(self.pulls[step.pull].head_sha).items():
            if name == step.text:
                (self.tools / f"state-{name}").write_text(f"{text}\n")
                self._note(step, None)

    def _break(self, step: Step) -> None:
        (self.tools / f"break-{step.text}").touch()

    # -- tools

    def end_tools(self, job: int | None, step: str | None = None) -> int:
        """Kill the tools of a job, or one of any."""
        return machines.end_tools(self.tools, job, step)

    def at_work(self) -> list[tools.Span]:
        """What tools do now."""
        log = self.tools / "log"
        lines = tools.read_log(log.read_text()) if log.exists() else []
        return [one for one in tools.spans(lines) if one.event is None]

    # -- time

    def wait_for(self, what: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so; whether it is."""
        end = time.monotonic() + seconds
        while not what():
            if time.monotonic() > end:
                return False
            time.sleep(0.03)
        return True

    def wait_for_calm(self, seconds: float) -> str:
        """Wait until nothing goes on, here or at GitHub; what is left."""
        end = time.monotonic() + seconds
        calm = 0
        left = ""
        while calm < 3:
            left = self.left()
            calm = 0 if left else calm + 1
            if time.monotonic() > end:
                return left or "it did not stay calm"
            time.sleep(0.05)
        return ""

    def left(self) -> str:
        """What goes on, in words."""
        if not self.github.hooks.idle:
            return "webhooks are being sent"
        if not self.github.actions.idle:
            return "jobs are at work"
        try:
            return self._left_in_store()
        except Exception as error:  # noqa: BLE001 (a fault of the store, perhaps)
            return f"the store cannot be read: {error}"

    def _left_in_store(self) -> str:
        with self.engine.connect() as connection:
            now = time.time()
            rows = connection.execute(select(work.c.kind, work.c.key, work.c.due_at, work.c.error)).all()
            left = [
                f"{row.kind} {row.key} in {row.due_at - now:.1f} s {row.error}" for row in rows
                if row.kind not in ("sweep", "runs") or row.due_at <= now
            ]  # fmt: skip
            going = connection.execute(
                select(deployments.c.id).where(deployments.c.state.in_(["queued", "running"]))
            ).scalars()
            left += [f"deployment {one}" for one in going if not waits_for_people(connection, one)]
        return "; ".join(left)

    def stop(self) -> None:
        """End all of it."""
        self.over.set()
        self.processes.kill(*self.processes.alive())
        for one in list(self.runners.values()):
            one.signal(9)
        self.end_tools_all()
        self.github.stop()
        self.engine.dispose()
        if self.between is not None:
            self.between.stop()

    def end_tools_all(self) -> None:
        """Kill every tool."""
        while self.end_tools(None):
            pass


def _asks(body: str, name: str) -> bool:
    """Whether a comment says that this environment waits for approval."""
    return any(f"`{name}`" in line and "waits for approval" in line for line in body.splitlines())


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
