"""The world: all accounts, repositories, Apps and tokens, one lock around them, and who hears of what happens."""

from __future__ import annotations

import itertools
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.github.world.apps import App, Installation, Token, new_private_key
from tests.github.world.clock import Clock
from tests.github.world.git_store import Author, GitStore
from tests.github.world.people import Account, Kind, Team, higher
from tests.github.world.refusal import not_found
from tests.github.world.repository import Repository

TOKEN_SECONDS = 3600
ORGANIZATION_ROLE = "read"  # what members may do in an organization's repositories when nothing else is said


@dataclass(frozen=True)
class Event:
    """Something that happened: GitHub's name of it, and the objects that its payload is made of.

    `only` is the App that alone hears of it (a check suite asked of one App, an installation).
    """

    name: str
    sender: Account
    repository: Repository | None = None
    action: str | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)
    only: int | None = None


class World:
    """All state. Hold `lock` for as long as you read or change it; wait on `changed` for what others change."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.clock = Clock()
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self._ids = itertools.count(1001)
        self.accounts: dict[str, Account] = {}
        self.teams: dict[tuple[str, str], Team] = {}
        self.repositories: dict[int, Repository] = {}
        self.renamed: dict[str, int] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.listeners: list[Callable[[Event], None]] = []
        self.actions_bot = self._account("github-actions[bot]", Kind.BOT)
        self.actions_app = App(
            15368, "github-actions", "GitHub Actions", self._account("github", Kind.ORGANIZATION),
            self.actions_bot, "", {}, (), self.clock.now(),
        )  # fmt: skip
        self.apps[15368] = self.actions_app

    def next_id(self) -> int:
        """A number that no other object has."""
        return next(self._ids)

    def emit(self, name: str, sender: Account, repository: Repository | None = None, action: str | None = None,
             only: int | None = None, **parts: Any) -> None:  # fmt: skip
        """Tell all who listen."""
        event = Event(name, sender, repository, action, parts, only)
        with self.lock:
            for listener in self.listeners:
                listener(event)
            self.changed.notify_all()

    # people

    def _account(self, login: str, kind: Kind) -> Account:
        account = Account(self.next_id(), login, kind)
        self.accounts[login.lower()] = account
        return account

    def user(self, login: str) -> Account:
        """The person of this name, made when new."""
        with self.lock:
            return self.accounts.get(login.lower()) or self._account(login, Kind.USER)

    def organization(self, login: str, members: Iterable[str] = ()) -> Account:
        """The organization of this name, made when new."""
        with self.lock:
            account = self.accounts.get(login.lower()) or self._account(login, Kind.ORGANIZATION)
            account.members |= {self.user(one).login for one in members}
            return account

    def team(self, organization: str, name: str, members: Iterable[str] = ()) -> Team:
        """A team of an organization, made when new; its members join the organization."""
        with self.lock:
            owner = self.organization(organization, members := list(members))
            slug = name.lower().replace(" ", "-")
            key = (organization.lower(), slug)
            team = self.teams.setdefault(key, Team(self.next_id(), owner, slug, name))
            team.members |= set(members)
            return team

    def role(self, repository: Repository, login: str) -> str:
        """What a person may do in a repository: none, read, triage, write, maintain or admin."""
        found = "none" if repository.private else "read"
        if repository.owner.login == login:
            return "admin"
        if login in repository.owner.members:
            found = higher(found, ORGANIZATION_ROLE)
        for (organization, _), team in self.teams.items():
            if organization == repository.owner.login.lower() and login in team.members:
                found = higher(found, team.repositories.get(repository.full_name, "none"))
        return higher(found, repository.collaborators.get(login, "none"))

    # repositories

    def create_repository(
        self, full_name: str, *, private: bool = True, branch: str = "main", parent: Repository | None = None
    ) -> Repository:
        """Make a repository (empty, or a fork of `parent`)."""
        owner_login, name = full_name.split("/")
        with self.lock:
            owner = self.accounts.get(owner_login.lower()) or self.organization(owner_login)
            number = self.next_id()
            git = GitStore.create(self.folder / "git" / f"{number}.git", branch, parent.git.folder if parent else None)
            if parent:
                private, branch = parent.private, parent.default_branch
            repository = Repository(number, owner, name, git, self.clock.now(), branch, private, parent=parent)
            self.repositories[number] = repository
            if parent:
                self.emit("fork", owner, parent, forkee=repository)
            else:
                self.emit("repository", owner, repository, "created")
            return repository

    def repository(self, owner: str, name: str) -> Repository:
        """The repository of this name; an old name leads to it too. Raises Refusal 404."""
        full_name = f"{owner}/{name}".lower()
        for one in self.repositories.values():
            if one.full_name.lower() == full_name:
                return one
        if self.renamed.get(full_name) in self.repositories:
            return self.repositories[self.renamed[full_name]]
        raise not_found()

    def rename(self, repository: Repository, name: str, by: Account) -> None:
        """Rename a repository; its old name redirects."""
        with self.lock:
            old = repository.name
            self.renamed[repository.full_name.lower()] = repository.id
            repository.name = name
            self.emit("repository", by, repository, "renamed", changes={"repository": {"name": {"from": old}}})

    def transfer(self, repository: Repository, owner: Account, by: Account) -> None:
        """Give a repository to another account."""
        with self.lock:
            old = repository.owner
            self.renamed[repository.full_name.lower()] = repository.id
            repository.owner = owner
            self.emit("repository", by, repository, "transferred", old_owner=old)

    def archive(self, repository: Repository, by: Account, *, archived: bool = True) -> None:
        """Let nobody write to a repository any more, or take that back."""
        with self.lock:
            repository.archived = archived
            self.emit("repository", by, repository, "archived" if archived else "unarchived")

    def delete_repository(self, repository: Repository, by: Account) -> None:
        """Delete a repository with all that it holds."""
        with self.lock:
            self.emit("repository", by, repository, "deleted")
            del self.repositories[repository.id]
            for other in self.repositories.values():
                for pull in other.pulls.values():
                    if pull.head_repository is repository:
                        pull.head_repository = None
            shutil.rmtree(repository.git.folder, ignore_errors=True)

    # apps and tokens

    def create_app(
        self, name: str, owner: Account, permissions: Mapping[str, str], events: Iterable[str],
        webhook_url: str | None = None, webhook_secret: str | None = None,
    ) -> App:  # fmt: skip
        """Register a GitHub App."""
        with self.lock:
            number, slug = self.next_id(), name.lower().replace(" ", "-")
            bot = self._account(f"{slug}[bot]", Kind.BOT)
            granted = {"metadata": "read", **permissions}
            secret = secrets.token_hex(20) if webhook_secret is None else webhook_secret
            app = App(
                number, slug, name, owner, bot, new_private_key(), granted, tuple(events), self.clock.now(),
                f"Iv23li{number:014d}", webhook_url, secret,
            )  # fmt: skip
            self.apps[number] = app
            return app

    def install(self, app: App, account: Account, repositories: Iterable[Repository] | None = None) -> Installation:
        """Install an App on an account."""
        with self.lock:
            chosen = None if repositories is None else {one.id for one in repositories}
            made = Installation(self.next_id(), app, account, dict(app.permissions), self.clock.now(), chosen)
            self.installations[made.id] = made
            self.emit("installation", account, None, "created", app.id, installation=made)
            return made

    def uninstall(self, installation: Installation, by: Account) -> None:
        """Take an App away; its tokens die."""
        with self.lock:
            self.emit("installation", by, None, "deleted", installation.app.id, installation=installation)
            del self.installations[installation.id]
            for text in [text for text, one in self.tokens.items() if one.installation is installation]:
                del self.tokens[text]

    def suspend(self, installation: Installation, by: Account, *, suspended: bool = True) -> None:
        """Suspend an installation, or take it back."""
        with self.lock:
            installation.suspended_at = self.clock.now() if suspended else None
            action = "suspend" if suspended else "unsuspend"
            self.emit("installation", by, None, action, installation.app.id, installation=installation)

    def installation_of(self, app: App, repository: Repository) -> Installation | None:
        """Where this App is installed so that it reaches the repository."""
        found = (one for one in self.installations.values() if one.app is app and one.covers(repository))
        return next(found, None)

    def installation_token(
        self, installation: Installation, permissions: Mapping[str, str], repositories: set[int] | None
    ) -> Token:
        """A token that lives an hour."""
        expires = self.clock.now() + timedelta(seconds=TOKEN_SECONDS)
        text = f"ghs_{secrets.token_hex(18)}"
        token = Token(text, installation.app.bot, installation, dict(permissions), repositories, expires)
        self.tokens[text] = token
        return token

    def personal_token(self, login: str) -> str:
        """A token that may do all that its person may."""
        with self.lock:
            text = f"ghp_{secrets.token_hex(18)}"
            self.tokens[text] = Token(text, self.user(login))
            return text

    def job_token(self, repository: Repository, permissions: Mapping[str, str], run: int) -> str:
        """The GITHUB_TOKEN of a job."""
        with self.lock:
            text = f"ghs_{secrets.token_hex(18)}"
            self.tokens[text] = Token(
                text, self.actions_bot, None, dict(permissions), {repository.id}, None, run
            )  # fmt: skip
            return text

    def author(self, account: Account) -> Author:
        """How this account signs its commits."""
        return Author(account.login, account.email)
