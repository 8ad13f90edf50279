"""`headwater setup`: a browser walks through making the App at a GitHub on localhost, and its keys are kept."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests

from bot.settings import Settings, load, names
from bot.settings_file import write
from bot.web.manifest import EVENTS, PERMISSIONS
from tests.github import GitHub
from tests.github.page.manifests import NEEDED_BY

PUBLIC = "https://headwater.example.com"


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as made:
        made.world.organization("acme", ["owner"])
        yield made
        assert not made.errors


class Form(HTMLParser):
    """The one form of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, found: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in found}
        if tag == "form":
            self.action = attributes["action"]
        if tag == "input" and attributes.get("name"):
            self.fields[attributes["name"]] = attributes.get("value", "")


class Walk:
    """The command as a process of its own, and a browser before it."""

    def __init__(self, state: Path, github: GitHub, *arguments: str, **more: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name not in names(Settings)}
        environment |= {"HEADWATER_GITHUB_API_URL": github.api_url, **more}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli.main", "setup", "--state", str(state), "--port", "0", *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.github = github
        self.browser = requests.Session()
        self.url = ""

    def open(self) -> requests.Response:
        """Open the address that was printed."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"Open (\S+) in your browser", line):
                self.url = found[1]
                return self.browser.get(self.url, timeout=10)
        raise AssertionError("no address was printed")

    def agree(self, page: requests.Response) -> requests.Response:
        """Press the button, then agree on GitHub's page; where that leads is not followed yet."""
        form = Form(page.text)
        asked = self.browser.post(form.action, form.fields, timeout=10)
        assert asked.status_code == 200, asked.text
        agreed = Form(asked.text)
        address = f"{self.github.url}{agreed.action}"
        return self.browser.post(address, agreed.fields, timeout=10, allow_redirects=False)

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@pytest.fixture
def walks() -> Iterator[list[Walk]]:
    found: list[Walk] = []
    yield found
    for one in found:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def test_a_browser_makes_the_app_and_its_keys_are_kept(
    github: GitHub, tmp_path: Path, walks: list[Walk], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    walk = Walk(state, github, "--organization", "acme", "--public-url", f"{PUBLIC}/")
    walks.append(walk)
    page = walk.open()
    assert f"{PUBLIC}/webhook" in page.text
    back = walk.agree(page)
    assert back.status_code == 302
    done = walk.browser.get(back.headers["Location"], timeout=10)
    assert done.status_code == 200
    assert "Headwater is there" in done.text
    code, out, err = walk.end()
    assert (code, err) == (0, "")

    (app,) = [one for one in github.world.apps.values() if one.slug == "headwater"]
    assert app.owner.login == "acme"
    assert app.permissions == {**PERMISSIONS}
    assert set(app.events) == set(EVENTS)
    assert app.webhook_url == f"{PUBLIC}/webhook"
    assert f"The App Headwater (number {app.id}) is kept in {state}/settings.env." in out
    assert f"{github.url}/github-apps/headwater/installations/new" in out
    assert "headwater serve" in out
    for secret in (app.webhook_secret, app.private_key.splitlines()[1]):
        assert secret not in page.text + done.text + out + err

    assert oct(state.stat().st_mode & 0o777) == "0o700"
    for file in state.iterdir():
        assert oct(file.stat().st_mode & 0o777) == "0o600", file
    for name in names(Settings):
        monkeypatch.delenv(name, raising=False)
    found = load(Settings, state=state)
    assert (found.github_app_id, found.public_url, found.github_api_url) == (app.id, PUBLIC, github.api_url)
    assert found.webhook_secret.get_secret_value() == app.webhook_secret
    now = int(time.time())
    proof = jwt.encode({"iss": str(app.id), "iat": now - 10, "exp": now + 60}, found.private_key, "RS256")
    assert requests.get(f"{github.api_url}/app", headers={"Authorization": f"Bearer {proof}"}, timeout=5).ok

    install = walk.browser.post(f"{github.url}/github-apps/headwater/installations/new", timeout=5)
    assert "Installed on all repositories of acme" in install.text


def test_an_app_of_ones_own_for_machines(github: GitHub, tmp_path: Path, walks: list[Walk]) -> None:
    walk = Walk(tmp_path, github, "--json", "--name", "Our Headwater", HEADWATER_PUBLIC_URL=PUBLIC)
    walks.append(walk)
    walk.browser.get(walk.agree(walk.open()).headers["Location"], timeout=10)
    code, out, _ = walk.end()
    assert code == 0
    told = json.loads(out)
    assert (told["slug"], told["name"]) == ("our-headwater", "Our Headwater")
    assert told["settings"] == f"{tmp_path}/settings.env"
    assert github.world.apps[told["id"]].owner.login == "owner"


def test_an_answer_to_something_else_is_not_taken(github: GitHub, tmp_path: Path, walks: list[Walk]) -> None:
    """Somebody who leads the browser to our page with a code of their own gives us no App of theirs."""
    walk = Walk(tmp_path, github, "--public-url", PUBLIC)
    walks.append(walk)
    back = walk.agree(walk.open()).headers["Location"]
    given = parse_qs(urlsplit(back).query)
    for state in ("", "x", given["state"][0][:-1], given["state"][0] + "x", "é"):
        forged = walk.browser.get(f"{walk.url}/created", params={"code": given["code"][0], "state": state}, timeout=5)
        assert forged.status_code == 400
        assert not (tmp_path / "settings.env").exists()
    assert walk.process.poll() is None
    assert walk.browser.get(back, timeout=5).status_code == 200
    assert walk.end()[0] == 0


def test_a_page_under_another_name_is_not_shown(github: GitHub, tmp_path: Path, walks: list[Walk]) -> None:
    """A site that makes its own name lead to this machine must not read the state."""
    walk = Walk(tmp_path, github, "--public-url", PUBLIC)
    walks.append(walk)
    state = parse_qs(urlsplit(Form(walk.open().text).action).query)["state"][0]
    port = urlsplit(walk.url).port
    for name in ("evil.example.com", f"evil.example.com:{port}", "127.0.0.1", f"127.0.0.1:{port}.evil.example.com"):
        answer = requests.get(walk.url, headers={"Host": name}, timeout=5)
        assert answer.status_code == 421
        assert state not in answer.text
    assert requests.get(walk.url, headers={"Host": f"localhost:{port}"}, timeout=5).status_code == 200


def test_a_code_that_github_does_not_know(github: GitHub, tmp_path: Path, walks: list[Walk]) -> None:
    walk = Walk(tmp_path, github, "--public-url", PUBLIC)
    walks.append(walk)
    state = parse_qs(urlsplit(Form(walk.open().text).action).query)["state"][0]
    answer = walk.browser.get(f"{walk.url}/created", params={"code": "../../user", "state": state}, timeout=10)
    assert answer.status_code == 502
    code, _, err = walk.end()
    assert code == 1
    assert err.startswith("error: ")
    assert not (tmp_path / "settings.env").exists()


def test_keys_that_are_there_are_not_replaced(github: GitHub, tmp_path: Path, walks: list[Walk]) -> None:
    file = tmp_path / "settings.env"
    write(
        file, {"HEADWATER_GITHUB_APP_ID": "12", "HEADWATER_WEBHOOK_SECRET": "of the App before", "HEADWATER_JOBS": "7"}
    )
    before = file.read_text()
    refused = Walk(tmp_path, github, "--public-url", PUBLIC)
    walks.append(refused)
    code, _, err = refused.end()
    assert code == 2
    assert f"{file} holds the App 12 already; nothing was changed" in err
    assert file.read_text() == before

    walk = Walk(tmp_path, github, "--public-url", PUBLIC, "--force")
    walks.append(walk)
    walk.browser.get(walk.agree(walk.open()).headers["Location"], timeout=10)
    assert walk.end()[0] == 0
    (app,) = [one for one in github.world.apps.values() if one.slug == "headwater"]
    found = dict(line.split("=", 1) for line in file.read_text().splitlines() if not line.startswith("#"))
    assert found["HEADWATER_GITHUB_APP_ID"] == str(app.id)
    assert found["HEADWATER_WEBHOOK_SECRET"] == app.webhook_secret
    assert found["HEADWATER_JOBS"] == "7"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "where will GitHub reach the server?"),
        (("--public-url", "http://headwater.example.com"), "--public-url: must begin with https://"),
        (("--public-url", PUBLIC, "--host", "0.0.0.0"), "--host 0.0.0.0: that is no address that a browser can open"),
        (("--public-url", PUBLIC, "--host", "192.0.2.1"), "cannot listen at 192.0.2.1"),
    ],
)
def test_what_is_missing_or_wrong_is_told_first(
    arguments: tuple[str, ...], told: str, github: GitHub, tmp_path: Path, walks: list[Walk]
) -> None:
    walk = Walk(tmp_path, github, *arguments)
    walks.append(walk)
    code, _, err = walk.end()
    assert code in (1, 2)
    assert told in err


def test_settings_of_the_environment_that_would_win_are_told(github: GitHub, tmp_path: Path, walks: list[Walk]) -> None:
    walk = Walk(tmp_path, github, "--public-url", PUBLIC, HEADWATER_WEBHOOK_SECRET="x" * 20)
    walks.append(walk)
    assert walk.process.stderr is not None
    assert "HEADWATER_WEBHOOK_SECRET is set in the process environment" in walk.process.stderr.readline()


def test_the_app_may_hear_of_all_that_it_asks_for() -> None:
    """GitHub refuses a manifest with an event that no permission covers."""
    assert {NEEDED_BY[one] for one in EVENTS} <= set(PERMISSIONS)


def test_the_settings_file_keeps_what_else_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.env"
    file.write_text("# mine\nA=1\n\nexport B='two words'\nC=3")
    odd = 'it\'s \\ "odd" # $HOME ${A} '
    write(file, {"C": "4", "D": odd, "A": "9"})
    assert file.read_text().startswith("# mine\n\nexport B='two words'\n")
    from dotenv import dotenv_values  # noqa: PLC0415

    found = dotenv_values(file, interpolate=False)
    assert found == {"B": "two words", "C": "4", "D": odd, "A": "9"}
    assert oct(file.stat().st_mode & 0o777) == "0o600"
