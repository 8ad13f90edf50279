"""Real webhooks: a story is played on the GitHub on localhost, and what it would send is kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import requests

from tests.github import GitHub
from tests.github.localhost import EVENTS
from tests.github.world import pushing
from tests.github.world import requests as doing
from tests.github.world.checks import CheckRun
from tests.github.world.repository import Repository

FILE = ".github/workflows/headwater.yml"
WORKFLOW = (
    "on: workflow_dispatch\nrun-name: headwater k1\njobs: {plan: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"
)
OTHER = "on: workflow_dispatch\njobs: {lint: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n"


@dataclass(frozen=True)
class Sent:
    """One webhook as it was sent."""

    event: str
    payload: dict[str, Any]

    @property
    def title(self) -> str:
        """Event and action."""
        return f"{self.event} {self.payload['action']}" if "action" in self.payload else self.event


@cache
def story() -> tuple[Sent, ...]:
    """All webhooks of a long story, in order."""
    kept: list[Sent] = []
    mutex = threading.Lock()

    def keep(name: str, payload: Mapping[str, Any]) -> None:
        with mutex:
            kept.append(Sent(name, json.loads(json.dumps(payload))))

    with GitHub() as github:
        github.hooks.watchers.append(keep)
        _play(github)
        assert not github.errors
    return tuple(kept)


def _play(github: GitHub) -> None:
    world = github.world
    world.organization("acme", ["owner"])
    shop = github.repository(
        "acme/shop", {"a": "1", FILE: WORKFLOW, ".github/workflows/lint.yml": OTHER}, write=["ada", "bob"]
    )
    app = github.app("acme", None, events=[*EVENTS, "create", "status", "deployment", "fork", "commit_comment"])
    ada, bob, owner = (world.user(login) for login in ("ada", "bob", "owner"))
    _pull_request(github, shop)
    suite = pushing.suite_for(world, shop, app.id, shop.git.branch("main") or "")
    run = CheckRun(world.next_id(), suite, "headwater plan: shop", suite.head_sha, external_id="7")
    for action in ("created", "rerequested", "completed"):
        world.emit("check_run", ada, shop, action, app.id, check_run=run)
    world.emit("check_suite", ada, shop, "rerequested", app.id, check_suite=suite)
    refs = {"head_ref": "refs/heads/gh-readonly-queue/main/pr-1", "base_ref": "refs/heads/main"}
    for action in ("checks_requested", "destroyed"):
        world.emit("merge_group", bob, shop, action, head_sha=suite.head_sha, base_sha=suite.head_sha, **refs)
    for file in ("headwater.yml", "lint.yml"):
        _dispatch(github, file)
        github.settle()
    github.hooks.ping(app)
    world.rename(shop, "store", owner)
    world.emit("repository", owner, shop, "archived")
    world.emit("repository", owner, shop, "edited", changes={"default_branch": {"from": "master"}})
    world.emit("repository", owner, shop, "edited", changes={"description": {"from": "x"}})
    world.emit("repository", owner, shop, "publicized")
    world.transfer(shop, world.organization("acme"), owner)
    found = next(iter(world.installations.values()))
    for action in ("added", "removed"):
        world.emit(
            "installation_repositories", owner, None, action, app.id, installation=found, **{action: [shop]}
        )  # fmt: skip
    world.emit("installation", owner, None, "new_permissions_accepted", app.id, installation=found)
    world.suspend(found, owner)
    world.suspend(found, owner, suspended=False)
    world.delete_repository(shop, owner)
    world.uninstall(found, owner)


def _pull_request(github: GitHub, shop: Repository) -> None:
    world, ada, bob = github.world, github.world.user("ada"), github.world.user("bob")
    github.commit(shop, {"a": "2"}, "Change a", branch="feature/a", by="ada")
    github.commit(shop, {"b": "2"}, "Release", branch="release", by="ada")
    pull = doing.open_pull(world, shop, ada, title="Change a", head="feature/a")
    github.commit(shop, {"a": "3"}, "More", branch="feature/a", by="bob")
    doing.edit_pull(world, shop, pull, ada, title="Better")
    doing.edit_pull(world, shop, pull, ada, base="release")
    doing.edit_pull(world, shop, pull, ada, base="main")
    doing.mark_draft(world, shop, pull, ada, draft=True)
    doing.mark_draft(world, shop, pull, ada, draft=False)
    world.emit("pull_request", ada, shop, "locked", pull=pull)
    said = doing.comment(world, shop, pull.number, bob, "/plan\n\nthen \0 🚀")
    doing.edit_comment(world, shop, said, bob, "/deploy")
    doing.delete_comment(world, shop, said, bob)
    bot = next(one for one in world.apps.values() if one.slug == "headwater")
    doing.comment(world, shop, pull.number, bot.bot, "/deploy", bot.id)
    doing.review(world, shop, pull, bob, "APPROVE")
    doing.dismiss(world, shop, pull, pull.reviews[0], ada)
    doing.edit_pull(world, shop, pull, ada, state="closed")
    doing.edit_pull(world, shop, pull, ada, state="open")
    doing.merge_pull(world, shop, pull, bob)
    pushing.move(world, shop, "refs/heads/feature/a", None, bob)
    pushing.move(world, shop, "refs/tags/v1", shop.git.branch("main"), bob)
    pushing.move(world, shop, "refs/tags/v1", None, bob)


def _dispatch(github: GitHub, file: str) -> None:
    headers = {"Authorization": f"Bearer {github.world.personal_token('ada')}"}
    path = f"{github.api_url}/repos/acme/shop/actions/workflows/{file}/dispatches"
    assert requests.post(path, json={"ref": "main"}, headers=headers, timeout=10).status_code == 204
