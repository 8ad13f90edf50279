"""What lies about on disk after a real deploy: no sensitive value, in no file."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import StoreError
from bot.project import Project
from bot.vault import Vault
from planner.repository import Repository
from tests.stories.world import World

SECRET, OUTPUT, GIVEN = "canary-secret-4711", "canary-output-4712", "canary-given-4713"

TELLS_ITS_SECRET = """#!/bin/sh
echo "the password is $PASSWORD"
echo "and on stderr $PASSWORD" >&2
"""
HIDES_ITS_TOKEN = f"""#!/bin/sh
echo '{{"token": {{"value": "{OUTPUT}", "sensitive": true}}, "open": "no-secret"}}'
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    variables = {
        "a": "variables: {PASSWORD: {fromSecret: CANARY}}",
        "b": 'variables: {TOKEN: "${environments.a.outputs.token}"}',
    }
    world = World.make(tmp_path / "world", {"a": (), "b": ()}, variables, environment={"CANARY": SECRET})
    world.commit({"envs/a/apply": TELLS_ITS_SECRET})
    scripts = world.folder / "outputs"
    scripts.write_text(HIDES_ITS_TOKEN)
    # The output is not in git: the mirror keeps what is, readable, as git itself does.
    world.commit({"envs/a/outputs": f'#!/bin/sh\nexec sh "{scripts}"\n'})
    yield world
    world.end()


def readable(folder: Path, canary: str) -> list[str]:
    """The files that hold a text, as it is or in base64."""
    forms = [canary.encode(), base64.b64encode(canary.encode())[:-4], canary.encode().hex().encode()]
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(form in path.read_bytes() for form in forms)
    ]


def test_no_sensitive_value_can_be_read_in_any_file_of_the_state(world: World) -> None:
    answer = world.headwater("deploy", "--auto-approve", "-v", f"EXTRA={GIVEN}")
    assert answer.code == 0, answer
    assert world.states() == {"a": "deployed", "b": "deployed"}
    assert [path.name for path in world.state.glob("headwater.db*")]
    for canary in (SECRET, OUTPUT, GIVEN):
        assert readable(world.state, canary) == []
        assert canary not in answer.out + answer.err
    assert readable(world.state, "no-secret"), "the search finds what is not hidden"
    shown = world.headwater("outputs", "a")
    assert OUTPUT not in shown.out
    assert "no-secret" in shown.out


def test_another_key_is_told_and_changes_nothing(world: World) -> None:
    assert world.headwater("deploy", "--auto-approve", "-v", f"EXTRA={GIVEN}").code == 0
    before = world.states()
    key = (world.state / "key").read_bytes()
    (world.state / "key").write_bytes(base64.b64encode(os.urandom(32)))
    answer = world.headwater("deploy", "--auto-approve")
    assert answer.code == 1, answer
    assert "cannot be decrypted" in answer.err
    assert "bring back the key" in answer.err
    (world.state / "key").write_bytes(key)
    assert world.states() == before


def test_a_key_opens_what_it_sealed_and_nothing_else(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "key")
    sealed = vault.seal({"a": [1, None]})
    assert vault.open(sealed) == {"a": [1, None]}
    assert vault.seal({"a": [1, None]}) != sealed
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert Vault(tmp_path / "key").open(sealed) == {"a": [1, None]}
    for damaged in (sealed[:-1] + bytes([sealed[-1] ^ 1]), sealed[:5], b""):
        with pytest.raises(StoreError, match="cannot be decrypted"):
            vault.open(damaged)


@pytest.mark.parametrize(
    ("given", "words"), [("not base64!", "is not base64"), (base64.b64encode(b"short").decode(), "has 5 bytes")]
)
def test_a_key_that_is_none_is_told(tmp_path: Path, given: str, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        Vault(tmp_path / "key", given).seal(1)


def test_the_log_of_a_dead_runner_hides_what_is_within_a_sensitive_map(tmp_path: Path) -> None:
    login = "variables: {LOGIN: {value: {user: admin, password: canary-inner-4714}, sensitive: true}}"
    world = World.make(tmp_path / "world", {"a": ()}, {"a": login})
    world.commit({"envs/a/apply": "#!/bin/sh\necho password canary-inner-4714 of admin\nkill -9 $PPID\n"})
    try:
        assert world.headwater("deploy", "--auto-approve").code == 1
        logged = world.headwater("logs", "a")
        assert "password *** of" in logged.out, logged
        assert readable(world.state / "attempts", "canary-inner-4714") == []
    finally:
        world.end()


def test_our_own_keys_are_no_secrets_that_a_file_may_name(world: World) -> None:
    process = {"HEADWATER_KEY": "k" * 44, "ACTIONS_RUNTIME_TOKEN": "t" * 20, "CANARY": SECRET, "EMPTY": ""}
    project = Project(Repository(world.repository), world.state, None, process)
    assert project.secrets == {"CANARY": SECRET}


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/acme/shop",
        "https://x-access-token:ghs_canary@github.com/acme/shop.git",
        "git@github.com:Acme/shop.git",
    ],
)
def test_a_shared_store_knows_a_repository_by_any_of_its_addresses_and_keeps_no_token(
    world: World, address: str
) -> None:
    world.git("remote", "add", "origin", address)
    assert Project(Repository(world.repository), world.state, "sqlite://").key == "github.com/acme/shop"
