"""A GitHub for a test, whose every answer and webhook is held against GitHub's own models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Response

from tests.github import GitHub
from tests.github.server.routing import Route
from tests.github_itself.clients import Receiver
from tests.github_itself.models import answer_model, event_model, wrong

NO_MODEL = {"/rate_limit", "/", "/repositories/<int:number>"}


class Judge:
    """Collects what is wrong with answers and webhooks."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.answers: set[str] = set()
        self.events: set[str] = set()

    def answer(self, method: str, route: Route | None, response: Response) -> None:
        """Hold a successful answer against its model."""
        if route is None or not 200 <= response.status_code < 300 or not response.data:
            return
        if not (response.content_type or "").startswith("application/json"):
            return
        self.answers.add(f"{method} {route.path}")
        model = answer_model(method, route.path)
        if model is not None:
            lines = wrong(model, json.loads(response.data))
            self.wrong += [f"{method} {route.path} {response.status_code}: {line}" for line in lines]

    def event(self, name: str, payload: dict[str, Any]) -> None:
        """Hold a webhook against its model."""
        action = payload.get("action")
        self.events.add(f"{name} {action}" if action else name)
        payload = json.loads(json.dumps(payload))
        try:
            lines = wrong(event_model(name, action), payload)
        except KeyError:
            lines = ["GitHub knows no such action"]
        self.wrong += [f"webhook {name} {action}: {line}" for line in lines]


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def github(judge: Judge) -> Iterator[GitHub]:
    with GitHub() as made:
        made.rest.watchers.append(judge.answer)
        made.hooks.watchers.append(judge.event)
        yield made
    assert not made.errors, "\n".join(made.errors)
    assert not judge.wrong, "\n".join(sorted(set(judge.wrong)))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()
