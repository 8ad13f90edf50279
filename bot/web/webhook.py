"""`POST /webhook`: the signature first, over the raw bytes; then stored; then answered."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import structlog
from flask import Blueprint, Request, request
from werkzeug.exceptions import HTTPException

from bot.decide.webhook import action_of, look_into
from bot.errors import StoreError
from bot.metrics import Metrics
from bot.store.deliveries import Arrived
from bot.web.answers import Answer, accepted, refused
from bot.web.intake import Intake

MOST_BYTES = 25 * 1024 * 1024
"""GitHub sends no larger ones."""

SIGNATURE = "X-Hub-Signature-256"
_LARGE = 1024 * 1024
_AT_ONCE = 2
_UNHURRIED = frozenset({"workflow_job", "workflow_run"})
"""Hints of what runners themselves tell sooner."""
_SIGNATURE = re.compile(r"sha256=([0-9a-f]{64})")
_EVENT = re.compile(r"[a-z][a-z_]{0,63}")
_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,64}")

_MEND = "if GitHub sent it: HEADWATER_WEBHOOK_SECRET must be the webhook secret in the App's settings"

_log = structlog.get_logger()
_level = logging.getLogger(__name__)


def signed(secret: bytes, body: bytes, header: str) -> bool:
    """Whether the header is the signature of these bytes; the time it takes tells nothing of the right one."""
    found = _SIGNATURE.fullmatch(header)
    right = hmac.new(secret, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right, found[1] if found else "0" * 64) and found is not None


def blueprint(secret: bytes, intake: Intake, metrics: Metrics, wait: float) -> Blueprint:
    """The address that GitHub sends webhooks to. `wait`: how many seconds those that do not hurry wait for company."""
    made = Blueprint("webhook", __name__)
    room = _Room()

    @made.post("/webhook")
    def webhook() -> Answer:
        if not _SIGNATURE.fullmatch(request.headers.get(SIGNATURE, "")):
            return _refuse(metrics, 401, "bad-signature", f"{SIGNATURE} is missing, or is no signature")
        with room.for_body(request.content_length):
            return _take(request, secret, intake, metrics, wait)

    return made


def _take(call: Request, secret: bytes, intake: Intake, metrics: Metrics, wait: float) -> Answer:
    body = call.get_data(cache=False)
    if not signed(secret, body, call.headers.get(SIGNATURE, "")):
        detail = "the signature is not that of these bytes with our secret"
        return _refuse(metrics, 401, "bad-signature", detail, _MEND)
    event, guid = call.headers.get("X-GitHub-Event", ""), call.headers.get("X-GitHub-Delivery", "")
    if not _EVENT.fullmatch(event) or not _DELIVERY.fullmatch(guid):
        return _refuse(metrics, 400, "bad-headers", "X-GitHub-Event and X-GitHub-Delivery must name event and delivery")
    arrived = _looked_at(guid, event, body, wait if event in _UNHURRIED else 0.0)
    try:
        intake.keep(arrived)
    except StoreError:
        metrics.webhook(event, "failed")
        raise
    metrics.webhook(event, "kept")
    if _level.isEnabledFor(logging.DEBUG):  # making a line to throw it away is a good part of the work
        _log.debug("webhook kept", event_name=event, correlation=guid)
    if arrived.outcome is not None:
        metrics.delivery(event, "ignored")
    return accepted()


def _looked_at(guid: str, event: str, body: bytes, wait: float) -> Arrived:
    """The webhook, with what becomes of it where nothing follows: most of what comes is like that."""
    if len(body) > _LARGE:
        return Arrived(guid, event, body)
    found, payload = look_into(event, body)
    if found.work:
        return Arrived(guid, event, body, wait=wait)
    return Arrived(guid, event, body, action_of(payload), found.outcome)


def _refuse(metrics: Metrics, status: int, code: str, detail: str, mend: str = "") -> Answer:
    metrics.webhook("", "refused")
    _log.warning("webhook refused", code=code, why=detail, **({"mend": mend} if mend else {}))
    return refused(status, code, detail)


class _Room:
    """Lets few large bodies into memory at once, whoever sends them."""

    def __init__(self) -> None:
        self._large = threading.BoundedSemaphore(_AT_ONCE)

    def for_body(self, size: int | None) -> AbstractContextManager[None]:
        """Wait for room where the body is large, or of a size that is not told."""
        return nullcontext() if size is not None and size <= _LARGE else self._one_more()

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        if not self._large.acquire(timeout=8):
            raise Busy
        try:
            yield
        finally:
            self._large.release()


class Busy(HTTPException):
    """Too many large bodies at once."""

    code = 503
    description = "too many large webhooks at once: send it again"
