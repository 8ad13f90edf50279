"""Environments whose code lies in another repository, and repositories whose environments run beside the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conversations.conftest import SHOP
from tests.conversations.town import Conversation, Town
from tests.github.world.repository import Repository
from tests.https import front

TRUSTING = """name: setup
runs:
  using: composite
  steps:
    - run: echo 'GIT_SSL_CAINFO=@CHAIN@' >> "$GITHUB_ENV"
      shell: bash
"""
"""The team's own set-up action, where its GitHub has a certificate of its own."""


@pytest.fixture
def secure(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The town's GitHub by https, which the server and the team's jobs trust."""
    port = urlsplit(town.github.api_url).port
    assert port is not None
    with front(port, tmp_path) as (address, chain):
        monkeypatch.setenv("GIT_SSL_CAINFO", str(chain))
        action = TRUSTING.replace("@CHAIN@", str(chain))
        town.commit({".github/actions/headwater-setup/action.yml": action}, "Trust our GitHub")
        yield address


@pytest.fixture
def library(town: Town) -> Repository:
    """A repository beside the shop's, with the code of `db`, which ada may write too."""
    return town.github.repository("acme/library", town.environments(db="d1"), write=["ada"])


def definitions(address: str, *, listed: bool) -> str:
    """The shop's workflow, with the code of `db` in the library."""
    elsewhere = SHOP.replace(
        "{type: script, path: db}", f"{{type: script, path: db, repository: {address}/acme/library}}"
    )
    return (f"repositories: [{address}/acme/library]\n" if listed else "") + elsewhere


def set_up(town: Town, address: str) -> None:
    """The shop with `db` elsewhere, on the default branch."""
    files = {"headwater.yml": definitions(address, listed=True), **town.environments(network="n1", api="a1")}
    town.commit(files, "Describe the environments")
    town.write_workflow()
    town.settle()


def headline(pull: Conversation) -> str:
    return next(line for line in pull.newest().splitlines() if line.startswith("###"))


@pytest.mark.usefixtures("library")
def test_code_of_another_repository_is_planned_and_deployed(town: Town, secure: str) -> None:
    set_up(town, secure)
    pull = town.pull(town.environments(network="n2"))
    town.settle()
    assert "3 environments" in pull.plan()
    pull.say("/deploy")
    assert headline(pull) == "### Deployed 3 environments"
    assert town.tool_log()[2:4] == ["db begins", "db deployed"]
    assert (town.tools / "db").read_text() == "d1\n"


def test_what_changed_in_the_other_repository_is_deployed_with_what_touches_it_next(
    town: Town, secure: str, library: Repository
) -> None:
    set_up(town, secure)
    first = town.pull(town.environments(network="n2"))
    town.settle()
    first.say("/deploy")
    first.merge()
    town.settle()
    town.github.commit(library, town.environments(db="d2"), "Change the library", by="ada")
    town.settle()
    second = town.pull(town.environments(network="n3"))
    town.settle()
    assert "d1 -> d2" in second.plan()
    second.say("/deploy")
    assert (town.tools / "db").read_text() == "d2\n"


@pytest.mark.usefixtures("library")
def test_it_goes_on_where_the_other_repository_was_never_fetched(town: Town, secure: str) -> None:
    set_up(town, secure)
    pull = town.pull(town.environments(network="n2"))
    town.settle()
    town.hold("network")
    pull.comment("/deploy")
    town.wait_for(lambda: town.tool_log() == ["network begins"], 60)
    town.stop_server()
    (town.folder / "state/repositories").rename(town.folder / "of-another-worker")
    town.start_server()
    town.let_go("network")
    town.settle()
    assert headline(pull) == "### Deployed 3 environments"
    assert (town.tools / "db").read_text() == "d1\n"


@pytest.mark.usefixtures("library")
def test_a_pull_request_gives_itself_no_other_repository(town: Town, secure: str) -> None:
    town.setup({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
    pull = town.pull({"headwater.yml": definitions(secure, listed=True)})
    town.settle()
    told = pull.plan()
    assert "which the default branch does not list" in told
    assert "list it under `repositories`" in told
    assert town.tool_log() == []


def test_another_repository_where_the_app_is_not_is_told(town: Town, secure: str) -> None:
    town.github.world.organization("other", ["olga"])
    town.github.repository("other/library", town.environments(db="d1"))
    text = definitions(secure, listed=True).replace("acme/library", "other/library")
    town.commit({"headwater.yml": text, **town.environments(network="n1", api="a1")}, "Describe the environments")
    town.write_workflow()
    town.settle()
    pull = town.pull(town.environments(network="n2"))
    town.settle()
    assert "other/library" in pull.plan()
    assert town.tool_log() == []


def test_environments_of_a_repository_that_is_trusted_run_beside_the_server(make_town: Callable[..., Town]) -> None:
    town = make_town(local_repositories="acme/shop")
    town.commit({"headwater.yml": SHOP, **town.environments(network="n1", db="d1", api="a1")})
    town.settle()
    pull = town.pull(town.environments(network="n2"))
    town.settle()
    assert "3 environments" in pull.plan()
    town.break_("db")
    pull.say("/deploy")
    assert headline(pull) == "### Deploy of `db` failed: 1 done, 1 blocked"
    town.mend("db")
    pull.say("/retry")
    assert headline(pull) == "### Deployed 2 environments"
    pull.merge()
    town.settle()
    assert (town.tools / "network").read_text() == "n2\n"
    assert town.tool_log() == [
        "network begins", "network deployed", "db begins", "db broke",
        "db begins", "db deployed", "api begins", "api deployed",
    ]  # fmt: skip
    assert not town.repository.runs


@pytest.mark.usefixtures("library")
def test_what_leaves_the_file_is_destroyed_with_its_code_there(town: Town, secure: str) -> None:
    set_up(town, secure)
    file = "settings: {environmentRemovalStrategy: destroy}\n" + definitions(secure, listed=True)
    first = town.pull({"headwater.yml": file, **town.environments(network="n2")})
    town.settle()
    first.say("/deploy")
    first.merge()
    town.settle()
    second = town.pull({"headwater.yml": file.partition("  db:")[0]})
    town.settle()
    second.merge()
    town.settle()
    second.say("/approve", by="bob")
    assert [one for one in town.tool_log() if "destroyed" in one] == ["api destroyed", "db destroyed"]
