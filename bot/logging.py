"""What the server logs: one JSON object a line on stderr, words where a terminal reads; never a token or a secret."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, TextIO

import structlog

from bot import correlation
from bot.runner.redact import Redactor

_HIDDEN = "[hidden]"
# What looks like a credential, whatever it is of: GitHub's tokens, JSON web tokens, keys, passwords within addresses.
_CREDENTIALS = re.compile(
    r"\b(?:gh[oprsu]_[A-Za-z0-9_.-]{16,}|github_pat_[A-Za-z0-9_]{16,})"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.S,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)([ :=]+)[A-Za-z0-9._~+/=-]{16,}")
_USERINFO = re.compile(r"(://[^/\s:@\"']*):[^/\s@\"']+@")
_QUIET = {
    "waitress.queue": logging.ERROR,
    "alembic": logging.WARNING,
    "urllib3": logging.INFO,
    "github": logging.INFO,
    "markdown_it": logging.INFO,
}


class Hider:
    """Takes secrets out of a text: those given, and whatever has the form of a credential."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._redactor = Redactor(list(secrets))

    def hide(self, text: str) -> str:
        """The text without them."""
        text = self._redactor.redact(text)
        text = _CREDENTIALS.sub(_HIDDEN, text)
        text = _BEARER.sub(rf"\1\2{_HIDDEN}", text)
        return _USERINFO.sub(rf"\1:{_HIDDEN}@", text)


def configure(level: str, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Log from this level on, for the rest of the process; what libraries log comes the same way."""
    out = stream or sys.stderr
    hider = Hider(secrets)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _correlated,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_Formatter(shared, hider, words=out.isatty()))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    logging.captureWarnings(capture=True)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Renders a line, then hides what must not be in it, wherever it stood: message, value or traceback."""

    def __init__(self, shared: list[Any], hider: Hider, *, words: bool) -> None:
        self._hider = hider
        rendering: list[Any] = (
            [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
            if words
            else [structlog.processors.format_exc_info, _readable, structlog.processors.JSONRenderer()]
        )
        remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
        super().__init__(foreign_pre_chain=[*shared, _logger_name], processors=[remove, *rendering])

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return self._hider.hide(super().format(record))


def _correlated(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say what all of it follows from: the webhook, the command line or the sweep."""
    if (name := correlation.current()) and "correlation" not in event:
        event["correlation"] = name
    return event


def _logger_name(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say which library logged."""
    record = event.get("_record")
    if record is not None:
        event["logger"] = record.name
    return event


def _readable(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put first what people look for first."""
    first = {name: event.pop(name) for name in ("at", "level", "event", "correlation") if name in event}
    return {**first, **event}
