"""Every answer and every webhook of a GitHub on localhost, held against GitHub's own models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from werkzeug.wrappers import Response

from tests.github import GitHub
from tests.github.server.routing import Route
from tests.github_itself.models import answer_model, event_model, refusal_model, wrong


class Judge:
    """Hears answers and webhooks, and tells afterwards what is wrong with them: nobody waits for it meanwhile."""

    def __init__(self) -> None:
        self.visited: set[tuple[str, str]] = set()  # the routes that answered well, by method and path
        self._answers: dict[tuple[str, str, bytes], int] = {}
        self._refusals: set[tuple[str, int, bytes]] = set()
        self._events: set[tuple[str, str | None, str]] = set()

    def answer(self, method: str, route: Route | None, response: Response) -> None:
        """Keep an answer, as it was before any fault on its way."""
        if response.status_code >= 400:
            self._refusals.add((method, response.status_code, response.data))
        if route is None or not 200 <= response.status_code < 300:
            return
        self.visited.add((method, route.path))
        if response.data and (response.content_type or "").startswith("application/json"):
            self._answers.setdefault((method, route.path, response.data), response.status_code)

    def event(self, name: str, payload: Mapping[str, Any]) -> None:
        """Keep a webhook."""
        self._events.add((name, payload.get("action"), json.dumps(payload)))

    @property
    def told(self) -> set[tuple[str, str]]:
        """The routes that answered JSON."""
        return {(method, path) for method, path, _ in self._answers}

    def wrong(self) -> list[str]:
        """What is wrong with all that was heard so far, one line each."""
        found = {
            f"{method} {path} {status}: {line}"
            for (method, path, body), status in self._answers.items()
            for line in wrong_answer(method, path, body)
        }
        found |= {
            f"{method} {status} {body.decode()}: {line}"
            for method, status, body in self._refusals
            for line in wrong_refusal(status, body)
        }
        found |= {
            f"webhook {name} {action}: {line}"
            for name, action, body in self._events
            for line in wrong_event(name, action, body)
        }
        return sorted(found)


def wrong_answer(method: str, path: str, body: bytes) -> list[str]:
    """What an answer lacks; nothing where GitHub publishes no model."""
    model = answer_model(method, path)
    return [] if model is None else wrong(model, json.loads(body))


def wrong_refusal(status: int, body: bytes) -> list[str]:
    """What a refusal lacks."""
    return wrong(refusal_model(status), json.loads(body))


def wrong_event(name: str, action: str | None, body: str) -> list[str]:
    """What a webhook lacks."""
    try:
        model = event_model(name, action)
    except KeyError:
        return ["GitHub knows no such action"]
    return wrong(model, json.loads(body))


@contextmanager
def judged(github: GitHub) -> Iterator[Judge]:
    """Have a judge hear all that this GitHub says from now on; what is wrong with it is told at a clean end."""
    judge = Judge()
    github.rest.watchers.append(judge.answer)
    github.hooks.watchers.append(judge.event)
    yield judge
    found = judge.wrong()
    assert not found, "\n".join(found)
