"""Webhooks: signed, sent in order by one thread, logged, sent again when asked."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import http.client
import itertools
import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from tests.github.shapes.webhooks import payload
from tests.github.world.apps import App, Installation
from tests.github.world.world import Event, World

ALWAYS = {"installation", "installation_repositories", "ping"}
MOST_BYTES = 25 * 1024 * 1024
ANSWER_SECONDS = 10


@dataclass(eq=False)
class Delivery:
    """One attempt to deliver. A redelivery is another one with the same `guid`."""

    id: int
    guid: str
    event: str
    action: str | None
    app: App
    installation: int | None
    repository: int | None
    body: bytes
    headers: dict[str, str]
    at: datetime
    redelivery: bool = False
    sent: bool = False
    duration: float = 0.0
    status: str = "pending"
    status_code: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: str = ""


def as_it_comes(delivery: Delivery) -> list[float]:
    """How late to send each copy of a delivery: one copy, at once."""
    return [0.0]


class Hooks:
    """The delivery log and its sender. `plan` may lose (no copies), double or delay; `hold` keeps all back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wake = threading.Condition()
        self._queue: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._held: list[Delivery] | None = None
        self._sending = False
        self._stopped = False
        self.log: list[Delivery] = []
        self.too_large: list[Event] = []
        self.plan: Callable[[Delivery], list[float]] = as_it_comes
        self.watchers: list[Callable[[str, dict], None]] = []
        world.listeners.append(self.listen)
        self._thread = threading.Thread(target=self._send_all, name="webhooks", daemon=True)
        self._thread.start()

    def listen(self, event: Event) -> None:
        """Queue an event for each App that hears of it."""
        for app in list(self._world.apps.values()):
            found, installation = self._hears(app, event)
            if found:
                self._deliver(app, installation, event)

    def _hears(self, app: App, event: Event) -> tuple[bool, Installation | None]:
        if event.only not in (None, app.id) or (event.name not in ALWAYS and event.name not in app.events):
            return False, None
        if event.name in ALWAYS:
            return event.only == app.id, event.parts.get("installation")
        installation = self._world.installation_of(app, event.repository) if event.repository else None
        return installation is not None and installation.suspended_at is None, installation

    def _deliver(self, app: App, installation: Installation | None, event: Event) -> None:
        if not app.webhook_url and not self.watchers:
            return
        shape = payload(self._world, event, installation)
        for watcher in self.watchers:
            watcher(event.name, shape)
        body = json.dumps(shape, separators=(",", ":")).encode()
        if len(body) > MOST_BYTES:
            self.too_large.append(event)
            return
        if app.webhook_url:
            guid = str(uuid.uuid4())
            self._enqueue(self._made(app, guid, event.name, event.action, body, installation, event))

    def _made(self, app: App, guid: str, name: str, action: str | None, body: bytes,
              installation: Installation | None, event: Event | None) -> Delivery:  # fmt: skip
        signature = hmac.new(app.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/localhost",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": name,
            "X-GitHub-Hook-ID": str(app.id),
            "X-GitHub-Hook-Installation-Target-ID": str(app.id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        repository = event.repository.id if event and event.repository else None
        return Delivery(
            self._world.next_id(), guid, name, action, app, installation.id if installation else None, repository,
            body, headers, self._world.clock.now(),
        )  # fmt: skip

    def _enqueue(self, delivery: Delivery) -> None:
        with self._wake:
            if self._held is not None and not delivery.redelivery:
                self._held.append(delivery)
                return
            for late in self.plan(delivery) if not delivery.redelivery else [0.0]:
                heapq.heappush(self._queue, (time.monotonic() + late, next(self._order), delivery))
            self._wake.notify_all()

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Send once more, with the same id for its receiver."""
        return self.repeat(delivery, delivery.guid)

    def repeat(self, delivery: Delivery, guid: str) -> Delivery:
        """Send the same event under an id of its own."""
        again = self._made(delivery.app, guid, delivery.event, delivery.action, delivery.body, None, None)
        again.installation, again.repository, again.redelivery = delivery.installation, delivery.repository, True
        self._enqueue(again)
        return again

    def fail(self, delivery: Delivery) -> None:
        """Have it in the log as one that did not arrive, without sending it."""
        delivery.status_code, delivery.status, delivery.sent = 502, "failed to connect to host", True
        with self._wake:
            self.log.append(delivery)

    def ping(self, app: App) -> None:
        """Say hello to a new webhook."""
        self.listen(Event("ping", app.owner, only=app.id, parts={"app": app}))

    def hold(self) -> None:
        """Keep new deliveries back until `release`."""
        with self._wake:
            self._held = []

    def release(self, order: Callable[[list[Delivery]], list[Delivery]] = lambda held: held) -> list[Delivery]:
        """Send what was held, in this order; gives it."""
        with self._wake:
            held, self._held = order(self._held or []), None
        for delivery in held:
            self._enqueue(delivery)
        return held

    @property
    def idle(self) -> bool:
        """Whether nothing is due: all is sent, but what is held back or late."""
        with self._wake:
            return not self._sending and not (self._queue and self._queue[0][0] <= time.monotonic())

    def stop(self) -> None:
        """Send no more."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()

    def _send_all(self) -> None:
        while True:
            with self._wake:
                self._sending = False
                while not self._stopped and not (self._queue and self._queue[0][0] <= time.monotonic()):
                    self._wake.wait(max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else None)
                if self._stopped:
                    return
                delivery = heapq.heappop(self._queue)[2]
                self._sending = True
            self._send(delivery)

    def _send(self, delivery: Delivery) -> None:
        started = time.monotonic()
        if delivery.app.webhook_url is None:
            return
        place = urlsplit(delivery.app.webhook_url)
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = kind(place.hostname or "", place.port, timeout=ANSWER_SECONDS)
        target = place.path + (f"?{place.query}" if place.query else "")
        try:
            connection.request("POST", target or "/", delivery.body, delivery.headers)
            answer = connection.getresponse()
            delivery.answer = answer.read(100_000).decode(errors="replace")
            delivery.answer_headers = dict(answer.getheaders())
            delivery.status_code, delivery.status = answer.status, "OK" if answer.status < 400 else answer.reason
        except TimeoutError:
            delivery.status_code, delivery.status = 504, "timed out"
        except (OSError, http.client.HTTPException):
            delivery.status_code, delivery.status = 502, "failed to connect to host"
        finally:
            connection.close()
        with self._wake:
            delivery.duration, delivery.sent = round(time.monotonic() - started, 3), True
            self.log.append(delivery)
