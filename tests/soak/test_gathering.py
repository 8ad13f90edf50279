"""What the laboratory knows to be secret, and where it looks for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import requests

from tests.github import GitHub
from tests.soak import gathering
from tests.soak.world import World


def a_world(github: GitHub, folder: Path) -> World:
    """As much of one as these look at."""
    (folder / "arguments").write_text("")
    processes = SimpleNamespace(said=lambda: "", arguments=folder / "arguments")
    github.world.organization("acme", ["owner"])
    app, repository = github.app("acme", secret="s"), github.repository("acme/shop", {"README.md": "# Shop\n"})
    return cast(World, SimpleNamespace(github=github, app=app, repository=repository, printed=[], processes=processes))


def test_what_a_job_proves_itself_with_is_a_secret(tmp_path: Path) -> None:
    with GitHub() as github:
        world = a_world(github, tmp_path)
        job: Any = SimpleNamespace(id=7, done=False)
        given = github.actions.issuer.admit(world.repository, job)
        github.actions.issuer.claims = lambda _where, _job: {}  # type: ignore[method-assign]
        bearer = {"Authorization": f"Bearer {given['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
        token = requests.get(given["ACTIONS_ID_TOKEN_REQUEST_URL"], headers=bearer, timeout=10).json()["value"]
        found = gathering._secrets(world)
    assert given["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] in found.values()
    assert token.rpartition(".")[2] in found.values()


def test_addresses_that_were_asked_of_github_are_looked_through(tmp_path: Path) -> None:
    with GitHub() as github:
        world = a_world(github, tmp_path)
        requests.get(f"{github.api_url}/repos/acme/shop?access_token=ghs_1", timeout=10)
        found = gathering._spoken(world)
    assert "access_token=ghs_1" in found["an address asked of GitHub"]
