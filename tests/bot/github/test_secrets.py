"""No token, key or secret in a log at its most talkative, in an error, in a traceback or in what its frames hold."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.errors import HeadwaterError
from bot.github.app import App
from bot.github.data import NEEDED, ManifestData, Token
from bot.github.oidc import Verifier
from bot.github.repository_client import RepositoryClient
from bot.github.wire import Answer
from tests.github import GitHub
from tests.github.world import apps
from tests.github.world.pulls import Pull
from tests.github.world.repository import Repository


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that any library logs, from DEBUG on."""
    written = io.StringIO()
    handler, root = logging.StreamHandler(written), logging.getLogger()
    level, names = root.level, ("github", "github.Requester", "urllib3", "requests")
    before = {name: logging.getLogger(name).level for name in names}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    for name, old in before.items():
        logging.getLogger(name).setLevel(old)


def shown(error: BaseException) -> str:
    """An error as logs show it, with the local variables of all frames but the tests' own."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts = ["".join(traceback.format_exception(error)), repr(error), str(error), repr(error.__dict__)]
    while told is not None:
        parts += [repr(frame.locals) for frame in told.stack if "/tests/" not in frame.filename]
        told = told.__cause__ or told.__context__  # type: ignore[assignment]
    return "\n".join(parts)


def test_what_holds_a_secret_does_not_show_it() -> None:
    token = Token("ghs_canary", datetime.now(UTC))
    made = ManifestData(1, "slug", "name", "owner", "url", "ghs_canary", "ghs_canary")
    for one in (token, made, Answer(200, {}, b"ghs_canary")):
        assert "canary" not in f"{one!r} {one}"


def test_nothing_leaks(
    github: GitHub,
    shop: Repository,
    pull: Pull,
    registered: apps.App,
    installation: apps.Installation,
    log: io.StringIO,
) -> None:
    github.manifests["c0de"] = registered
    texts, secrets = [], {registered.webhook_secret, "0" * 40}
    secrets |= set(registered.private_key.splitlines()[1:-1])
    app = App(registered.id, registered.private_key, github.api_url, timeout=120)
    client = app.client(installation.id, "acme/shop")

    def good(call: Callable[[], object]) -> None:
        texts.append(repr(call()))
        secrets.update(github.world.tokens)

    def bad(call: Callable[[], object]) -> None:
        with pytest.raises(HeadwaterError) as told:
            call()
        secrets.update(github.world.tokens)
        texts.append(shown(told.value))
        github.faults.mend()

    good(lambda: app.token(installation.id))
    good(lambda: app.token(installation.id, permissions={"contents": "read"}))
    good(lambda: App.from_manifest_code("c0de", github.api_url))
    good(lambda: (app, client, app.limits.numbers(), app.installations(), app._tokens._places, client._caller))
    _use_all(good, client, pull)
    number = client.dispatch("headwater.yml", "main", {"dispatch": "{}"}) or 0
    github.settle(120)
    identity = github.actions.issuer.token(shop, shop.runs[number].jobs[0], "us")
    secrets.add(identity)
    verifier = Verifier(github.actions.issuer.url, "us", timeout=60)
    good(lambda: verifier.verify(identity)["sub"])
    _faults(bad, github, app, client, installation)
    bad(lambda: Verifier(github.actions.issuer.url, "them").verify(identity))
    bad(lambda: verifier.verify(jwt.encode({}, rsa.generate_private_key(65537, 2048), "RS256", {"kid": "x"})))
    github.faults.cut("openid")
    bad(lambda: Verifier(github.actions.issuer.url, "us").verify(identity))
    bad(lambda: App.from_manifest_code("gone", github.api_url))
    github.world.uninstall(installation, github.world.user("owner"))
    bad(client.repository)

    whole = "\n".join([*texts, log.getvalue()])
    assert "access_tokens" in whole  # the log was on
    assert len(secrets) > 25
    assert [one for one in sorted(secrets) if one in whole] == []
    assert "eyJ" not in whole  # no JSON web token of the App
    assert "Bearer ey" not in whole


def _use_all(good: Callable[[Callable[[], object]], None], client: RepositoryClient, pull: Pull) -> None:
    sha = pull.head_sha
    made: list[int] = []
    good(lambda: made.append(client.comment(1, "x").id))
    for call in (
        client.repository, client.open_pulls, lambda: client.comments(1), lambda: client.react(made[0], "eyes"),
        lambda: client.edit_comment(made[0], "y"), lambda: client.review_decision(1), lambda: client.checks(sha),
        lambda: client.create_check("plan", sha), lambda: client.required_checks("main"), lambda: client.permission("ada"),
        lambda: client.file("README.md", "main"), lambda: client.runs("headwater.yml"),
    ):  # fmt: skip
        good(call)


def _faults(
    bad: Callable[[Callable[[], object]], None], github: GitHub, app: App, client: RepositoryClient,
    installation: apps.Installation,
) -> None:  # fmt: skip
    github.faults.error("pulls/1", 502)
    bad(lambda: client.pull(1))
    github.faults.cut("pulls/1")
    bad(lambda: client.pull(1))
    github.faults.lose_answer("comments", "POST")
    bad(lambda: client.comment(1, "x"))
    for fault in (github.faults.cut, github.faults.lose_answer, github.faults.error):
        app._tokens._places.clear()
        fault("access_tokens")
        bad(client.repository)
    github.faults.expire_token("repos", times=None)
    bad(client.repository)
    bad(lambda: client.pull(99))
    bad(lambda: client.edit_commit_comment(1, "x"))
    bad(lambda: client.dispatch("headwater.yml", "main", {"other": "x"}))
    bad(lambda: app.token(installation.id, permissions={**NEEDED, "contents": "write"}))
    wrong = App(installation.app.id, apps.new_private_key(), github.api_url)
    bad(wrong.installations)
    github.world.suspend(installation, github.world.user("owner"))
    bad(client.repository)
    github.world.suspend(installation, github.world.user("owner"), suspended=False)
