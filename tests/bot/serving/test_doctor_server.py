"""`headwater doctor` where a server is: what is wrong with it, all at once, before anybody waits for a plan."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bot.serving.conftest import Process, run
from tests.github import GitHub
from tests.github.world.apps import App

Found = dict[str, tuple[str, str, str]]


def checks(surroundings: dict[str, str], folder: Path, code: int = 0) -> Found:
    """Each check's verdict, finding and mend, as told in that folder."""
    answer = run(surroundings, "-C", str(folder), "--json", "doctor")
    assert answer.returncode == code, answer.stdout + answer.stderr
    return {one["check"]: (one["verdict"], one["found"], one["mend"]) for one in json.loads(answer.stdout)["checks"]}


def test_a_server_that_runs(
    start: Callable[..., Process], surroundings: dict[str, str], app: App, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    surroundings["HEADWATER_PUBLIC_URL"] = address
    start("serve", "--port", str(port)).up()
    found = checks(surroundings, tmp_path)
    assert found["settings"][:2] == (
        "ok",
        f"complete, for the App {app.id} at {surroundings['HEADWATER_GITHUB_API_URL']}",
    )
    assert found["state folder"][0] == found["store"][0] == "ok"
    assert found["server"] == ("ok", f"{address} answers, and is ready", "")
    assert found["GitHub App"][0] == "warning"
    assert found["GitHub App"][1].endswith(f"sends its webhooks nowhere, not to {address}/webhook")
    assert "repository" not in found


def test_a_server_that_was_never_started(surroundings: dict[str, str], tmp_path: Path) -> None:
    found = checks(surroundings, tmp_path)
    assert found["store"] == ("ok", "none yet; the first start makes it", "")
    assert not (tmp_path / "state" / "headwater.db").exists()
    assert found["server"][0] == "warning"
    assert "headwater serve" in found["server"][2]


def test_settings_that_are_wrong_are_told_all_at_once(surroundings: dict[str, str], tmp_path: Path) -> None:
    del surroundings["HEADWATER_WEBHOOK_SECRET"]
    surroundings["HEADWATER_PUBLIC_URL"] = "gopher://x"
    verdict, found, mend = checks(surroundings, tmp_path, 1)["settings"]
    assert (verdict, found) == ("bad", "2 settings are missing or wrong")
    assert "HEADWATER_WEBHOOK_SECRET is missing" in mend
    assert "HEADWATER_PUBLIC_URL" in mend
    told = run(surroundings, "-C", str(tmp_path), "doctor").stdout
    assert told.count("\n") > 5
    assert "\\n" not in told


def test_an_app_that_github_does_not_know(surroundings: dict[str, str], tmp_path: Path) -> None:
    surroundings["HEADWATER_GITHUB_APP_ID"] = "999999"
    verdict, found, mend = checks(surroundings, tmp_path, 1)["GitHub App"]
    assert verdict == "bad"
    assert "knows no App 999999" in found
    assert "HEADWATER_GITHUB_APP_ID" in mend


def test_what_the_app_may_not_do_is_told_whole(
    surroundings: dict[str, str], app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "permissions", {**app.permissions, "checks": "read"})
    monkeypatch.setattr(app, "webhook_url", "http://127.0.0.1:1/webhook")
    _, found, mend = checks(surroundings, tmp_path)["GitHub App"]
    assert found.endswith("does not ask for checks: write")
    assert mend == "grant that in its settings"


def test_what_an_account_has_not_accepted_is_told_with_where_that_is_done(
    github: GitHub, surroundings: dict[str, str], app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (installation,) = github.world.installations.values()
    monkeypatch.delitem(installation.permissions, "checks")
    monkeypatch.setattr(app, "webhook_url", "http://127.0.0.1:1/webhook")
    _, found, mend = checks(surroundings, tmp_path)["GitHub App"]
    assert found == "the App lacks checks: write in acme"
    assert (
        mend == f"an owner of acme accepts what it asks for at `{github.url}/settings/installations/{installation.id}`"
    )


def test_in_a_clone_the_state_or_the_settings_tell_whether_a_server_is_meant(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    assert checks(surroundings, clone)["settings"][0] == "ok"
    del surroundings["HEADWATER_GITHUB_APP_ID"]
    assert "settings" not in checks(surroundings, clone)
    (state := tmp_path / "state").mkdir(mode=0o700)
    (state / "settings.env").touch(mode=0o600)
    found = checks(surroundings, clone, code=1)
    assert "HEADWATER_GITHUB_APP_ID" in str(found["settings"])
    assert found["repository"][0] == "warning"
