"""What is logged: JSON a line, and never a secret, wherever it stood."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from bot.logging import Hider, configure
from tests.github.world.apps import new_private_key

SECRET = "correct horse battery staple"
PEM = new_private_key()
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0NSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the log goes; logging is as before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)


@pytest.fixture
def lines(stream: io.StringIO) -> Callable[[], list[dict[str, Any]]]:
    configure("info", [SECRET, PEM], stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_an_object(lines: Callable[[], list[dict[str, Any]]]) -> None:
    structlog.get_logger().info("webhook kept", event_name="push", size=12)
    structlog.get_logger().debug("not told")
    (line,) = lines()
    assert list(line)[:3] == ["at", "level", "event"]
    assert (line["level"], line["event"], line["size"]) == ("info", "webhook kept", 12)
    assert line["at"].endswith("Z")


def test_libraries_log_the_same_way(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("waitress").warning("Exception while serving %s", "/x")
    logging.getLogger("waitress.queue").warning("Task queue depth is 3")
    logging.getLogger("urllib3.connectionpool").debug("noise")
    assert [(one["logger"], one["event"]) for one in lines()] == [("waitress", "Exception while serving /x")]


@pytest.mark.parametrize(
    "hidden",
    [
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        "ghs_abcdefghijklmnopqrstuvwxyz0123456789",
        "ghs_12345_eyJhbGciOi.JSUzI1NiJ9abcdef",
        "github_pat_11ABCDEFG0abcdefghijklmnop",
        JWT,
        PEM,
        PEM.splitlines()[1],
    ],
    ids=["secret", "base64", "installation", "installation-new", "personal", "jwt", "pem", "line-of-pem"],
)
def test_no_secret_is_logged_wherever_it_stands(hidden: str, lines: Callable[[], list[dict[str, Any]]]) -> None:
    log = structlog.get_logger()
    log.info(f"in the message {hidden}", value=hidden, nested={"deep": [hidden]}, **{"a key": f"x-{hidden}"})
    logging.getLogger("library").error("in an argument %s", hidden)
    try:
        raise ValueError(hidden)
    except ValueError:
        log.exception("in a traceback")
    found = json.dumps(lines())
    assert len(lines()) == 3
    assert "ValueError" in found
    for part in (hidden, json.dumps(hidden)[1:-1], hidden[:40] if len(hidden) > 40 else hidden):
        assert part not in found or part.startswith("-----BEGIN")


def test_credentials_are_known_by_their_form() -> None:
    hide = Hider().hide
    assert hide("Authorization: Bearer abcdefghijklmnopqrst.uvw") == "Authorization: Bearer [hidden]"
    assert hide("https://x-access-token:abc@github.com/a/b") == "https://x-access-token:[hidden]@github.com/a/b"
    assert hide(f"a {PEM} b") == "a [hidden]\n b"
    assert hide(f"cut {PEM[:300]}") == "cut [hidden]"
    innocent = "https://github.com/acme/shop/pull/12 took 0.3 s, bearer of news, commit 33f6af6797439a2fe2eb0532776886"
    assert hide(innocent) == innocent


def test_people_read_words(stream: io.StringIO) -> None:
    stream.isatty = lambda: True  # type: ignore[method-assign]
    configure("warning", [SECRET], stream)
    structlog.get_logger().info("not told")
    try:
        raise ValueError(SECRET)
    except ValueError:
        structlog.get_logger().exception("it failed", why=SECRET)
    assert "it failed" in stream.getvalue()
    assert "ValueError: *" in stream.getvalue()
    assert SECRET not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
