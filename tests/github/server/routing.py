"""Routes and what a handler is given: the call, and what it answers with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from tests.github.world.apps import App, Token
from tests.github.world.people import Account
from tests.github.world.refusal import Refusal

if TYPE_CHECKING:
    from tests.github.localhost import GitHub
    from tests.github.world.world import World


@dataclass(frozen=True)
class Route:
    """One endpoint. `needs` lists permissions, any of which will do; `role` is what a person needs instead."""

    method: str
    path: str
    handler: Callable[..., Any]
    needs: tuple[tuple[str, str], ...]
    role: str
    by_app: bool
    content: bool


@dataclass(frozen=True)
class Answer:
    """An answer other than plain 200 JSON."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(frozen=True)
class Page:
    """A list to be cut into pages; `wrap` is the key that holds it beside `total_count`."""

    items: Sequence[Any]
    shape: Callable[[Any], Any]
    wrap: str | None = None


@dataclass
class Call:
    """One request, with who makes it."""

    github: GitHub
    request: Request
    token: Token | None = None
    app: App | None = None

    @property
    def world(self) -> World:
        """The world that it is about."""
        return self.github.world

    @property
    def user(self) -> Account:
        """Who calls. Raises Refusal 401 for nobody."""
        if self.token is None:
            raise Refusal(401, "Requires authentication")
        return self.token.user

    @property
    def by_app(self) -> int | None:
        """The App whose token this is."""
        return self.token.installation.app.id if self.token and self.token.installation else None

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON that was sent. Raises Refusal 400."""
        text = self.request.get_data()
        if not text:
            return {}
        try:
            found = json.loads(text)
        except ValueError as failed:
            raise Refusal(400, "Problems parsing JSON") from failed
        if not isinstance(found, dict):
            raise Refusal(400, "Body should be a JSON object")
        return found

    def query(self, name: str) -> str | None:
        """A parameter of the address."""
        return self.request.args.get(name)


ROUTES: list[Route] = []


def route(
    method: str, path: str, *, needs: str = "metadata:read", role: str | None = None,
    by_app: bool = False, content: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # fmt: skip
    """Register a handler. `needs` as `issues:write|pull_requests:write`; `content`: counts against what creates content."""
    wanted = tuple((one.split(":")[0], one.split(":")[1]) for one in needs.split("|"))

    def register(handler: Callable[..., Any]) -> Callable[..., Any]:
        ROUTES.append(Route(method, path, handler, wanted, role or wanted[0][1], by_app, content))
        return handler

    return register


def routing_map() -> Map:
    """All registered routes as werkzeug's map."""
    rules = [Rule(one.path, methods=[one.method], endpoint=one) for one in ROUTES]
    return Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False)
