"""A whole GitHub on localhost: start it, make people, repositories and Apps in it, stop it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from werkzeug.wrappers import Request, Response

from tests.github.actions.engine import Actions
from tests.github.faults import Faults
from tests.github.hooks import Hooks
from tests.github.page import manifests
from tests.github.server import areas
from tests.github.server.rest import PREFIX, Rest
from tests.github.web import Web
from tests.github.world import pushing
from tests.github.world.apps import App
from tests.github.world.git_store import Files
from tests.github.world.limits import Limits
from tests.github.world.repository import Repository
from tests.github.world.world import World

PERMISSIONS = {
    "contents": "read", "members": "read", "statuses": "read", "administration": "read", "pull_requests": "write", "issues": "write", "checks": "write", "actions": "write",
}  # fmt: skip
EVENTS = (
    "pull_request", "issue_comment", "pull_request_review", "push", "workflow_run", "workflow_job", "check_run",
    "check_suite", "repository", "delete", "merge_group",
)  # fmt: skip


class GitHub:
    """A GitHub of one's own. Use as a context manager, or `start` and `stop`.

    `enterprise` plays a GitHub Enterprise Server of that version; without, `return_run_details` is known.
    """

    def __init__(self, folder: Path | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self._own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="github-"))
        self.enterprise: str | None = None
        self.manifests: dict[str, App] = {}
        self.places: dict[str, Callable[[Request], Response]] = {}
        self.errors: list[str] = []  # what this program did wrong: tests hold it empty
        areas.load()
        self.web = Web(self, host, port)
        self.url = f"http://{host}:{self.web.port}"
        self.world = World(self.folder, self.url)
        self.limits = Limits(self.world.clock)
        self.hooks = Hooks(self.world)
        self.faults = Faults(self.hooks)
        self.rest = Rest(self)
        self.actions = Actions(self)
        manifests.register(self)

    @property
    def api_url(self) -> str:
        """Where clients of the REST API are pointed."""
        return f"{self.url}{PREFIX}"

    def start(self) -> GitHub:
        """Begin to answer."""
        self.web.start()
        return self

    def stop(self) -> None:
        """Stop all that runs; a folder of its own is deleted."""
        self.actions.stop()
        self.hooks.stop()
        self.web.stop()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> GitHub:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:  # fmt: skip
        self.stop()

    def repository(
        self, full_name: str, files: Files | None = None, *, private: bool = True, write: Iterable[str] = ()
    ) -> Repository:  # fmt: skip
        """Make a repository with a first commit; `write` may push to it."""
        made = self.world.create_repository(full_name, private=private)
        for login in write:
            made.collaborators[self.world.user(login).login] = "write"
        if files:
            self.commit(made, files, "First commit")
        return made

    def commit(
        self, where: Repository, files: Files, message: str = "change", *, branch: str | None = None,
        by: str | None = None, start: str | None = None,
    ) -> str:  # fmt: skip
        """Commit and push files as somebody; gives the commit."""
        person = self.world.user(by) if by else None
        return pushing.commit(self.world, where, files, message, branch=branch, by=person, start=start)

    def app(
        self, account: str, webhook_url: str | None = None, *, name: str = "Headwater",
        permissions: Mapping[str, str] = PERMISSIONS, events: Iterable[str] = EVENTS, secret: str | None = None,
    ) -> App:  # fmt: skip
        """Register an App and install it on an account."""
        owner = self.world.accounts[account.lower()]
        app = self.world.create_app(name, owner, permissions, events, webhook_url, secret)
        self.world.install(app, owner)
        return app

    def listed(self, made: datetime) -> bool:
        """Whether something made then is in lists by now (`faults.unlisted_seconds`)."""
        return self.world.clock.now() >= made + timedelta(seconds=self.faults.unlisted_seconds)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: webhooks are sent, runs are done or wait for people."""
        return self.actions.idle and self.hooks.idle

    def settle(self, seconds: float = 30.0) -> None:
        """Wait until nothing is under way. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while not self.idle:
            if time.monotonic() > end:
                raise TimeoutError(f"GitHub did not come to rest in {seconds} s")
            time.sleep(0.01)
