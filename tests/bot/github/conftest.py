"""A GitHub on localhost with a repository, a pull request and the App, and Headwater's edge to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.github.app import App
from bot.github.repository_client import RepositoryClient
from tests.github import GitHub
from tests.github.world import apps, requests
from tests.github.world.pulls import Pull
from tests.github.world.repository import Repository
from tests.github_itself.judge import judged

WORKFLOW = """
name: Headwater
run-name: headwater ${{ fromJSON(inputs.dispatch).key }}
on:
  workflow_dispatch:
    inputs:
      dispatch: {required: true, type: string}
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: {name: headwater-deploy, deployment: false}
    steps: [{run: echo deployed}]
"""


@pytest.fixture
def github() -> Iterator[GitHub]:
    made = GitHub()
    with judged(made), made:
        yield made
    assert not made.errors, "\n".join(made.errors)


@pytest.fixture
def shop(github: GitHub) -> Repository:
    github.world.organization("acme", ["owner"])
    files = {"README.md": "# Shop\n", ".github/workflows/headwater.yml": WORKFLOW}
    return github.repository("acme/shop", files, write=["ada"])


@pytest.fixture
def registered(github: GitHub, shop: Repository) -> apps.App:
    return github.app("acme")


@pytest.fixture
def installation(github: GitHub, registered: apps.App) -> apps.Installation:
    return next(one for one in github.world.installations.values() if one.app is registered)


@pytest.fixture
def app(github: GitHub, registered: apps.App) -> Iterator[App]:
    made = App(registered.id, registered.private_key, github.api_url, timeout=120)
    yield made
    made.close()


@pytest.fixture
def client(app: App, installation: apps.Installation) -> RepositoryClient:
    return app.client(installation.id, "acme/shop")


@pytest.fixture
def pull(github: GitHub, shop: Repository) -> Pull:
    return open_pull(github, shop)


def open_pull(github: GitHub, shop: Repository, branch: str = "feature", by: str = "ada") -> Pull:
    """A pull request with one changed file."""
    github.commit(shop, {f"{branch}.txt": "new"}, branch=branch, by=by)
    return requests.open_pull(github.world, shop, github.world.user(by), title=f"Add {branch}", head=branch)


def asked(github: GitHub) -> list[str]:
    """The calls that GitHub answered, without its address: `GET /repos/acme/shop 200`."""
    return [f"{method} {path.removeprefix('/api/v3')} {status}" for method, path, status in github.rest.calls]
