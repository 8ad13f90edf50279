"""One REST call from its bytes to its answer: limits, routing, access, pages, ETags."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Request, Response

from tests.github.server.callers import check_access, identify
from tests.github.server.routing import Answer, Call, Page, Route, routing_map
from tests.github.world.limits import JOB
from tests.github.world.refusal import Refusal, not_found
from tests.github.world.repository import Repository

if TYPE_CHECKING:
    from tests.github.localhost import GitHub

DOCUMENTATION = "https://docs.github.com/rest"
DEFAULT_PAGE, MOST_PAGE = 30, 100
PREFIX = "/api/v3"
BY_CODE_ALONE = "/app-manifests/<code>/conversions"  # the code is what proves that one may


_BODIES = os.environ.get("HEADWATER_TEST_BODIES", "")
"""Where to keep what the bot sends (`make contract`)."""


def _keep_body(request: Request) -> None:
    sent = {
        "method": request.method,
        "path": request.path.removeprefix(PREFIX),
        "body": request.get_json(silent=True) or {},
    }
    with open(_BODIES, "a", encoding="utf-8") as file:  # noqa: PTH123  (appended whole, by several processes)
        file.write(f"{json.dumps(sent)}\n")


class Rest:
    """The REST API. `watchers` hear of each answer: method, route, status, JSON."""

    def __init__(self, github: GitHub) -> None:
        self._github = github
        self._map = routing_map()
        self.watchers: list[Any] = []
        self.calls: list[tuple[str, str, int]] = []

    def answer(self, request: Request) -> Response:
        """Answer one call."""
        call = Call(self._github, request)
        world = self._github.world
        request.get_data()
        with world.lock:
            caller = self.caller(request)
            try:
                path = self._real_path(request.path.removeprefix(PREFIX) or "/")
                route, arguments = self._match(request, path)
                identify(call, route)
                if route.path != "/rate_limit":
                    self._github.limits.count(caller)
                    self._github.limits.burst(caller, writes=request.method not in ("GET", "HEAD", "OPTIONS"))
                answer = self._handled(call, route, arguments, caller)
            except Refusal as told:
                answer, route = refused(told), None
            response = self._response(call, answer)
            if response.status_code == 304:
                self._github.limits.give_back(caller)
            for name, value in self._github.limits.headers(caller).items():
                response.headers.setdefault(name, value)
            self.calls.append((request.method, request.full_path.rstrip("?"), response.status_code))
            for watcher in self.watchers:
                watcher(request.method, route, response)
            if _BODIES and request.method != "GET" and request.headers.get("User-Agent") == "headwater":
                _keep_body(request)
            return response

    def caller(self, request: Request) -> str:
        """Whose limits a request is counted against."""
        header = request.headers.get("Authorization", "")
        text = header.partition(" ")[2]
        token = self._github.world.tokens.get(text)
        if token and token.installation:
            return f"installation ID {token.installation.id}"
        if token and token.is_app:
            return f"{JOB} of repository ID {min(token.repositories or {0})}"
        return f"user ID {token.user.id}" if token else hashlib.sha256(header.encode()).hexdigest()[:12]

    def _real_path(self, path: str) -> str:
        found = re.match(r"/repositories/(\d+)(/.*)?$", path)
        if not found:
            return path
        repository = self._github.world.repositories.get(int(found[1]))
        if repository is None:
            raise not_found()
        return f"/repos/{repository.full_name}{found[2] or ''}"

    def _match(self, request: Request, path: str) -> tuple[Route, Mapping[str, Any]]:
        adapter = self._map.bind("localhost", path_info=path, default_method=request.method)
        try:
            return adapter.match()
        except MethodNotAllowed as failed:
            raise Refusal(405, "Method Not Allowed") from failed
        except NotFound as failed:
            raise not_found() from failed

    def _handled(self, call: Call, route: Route, arguments: Mapping[str, Any], caller: str) -> Any:
        arguments = dict(arguments)
        if "repo" in arguments:
            owner, name = arguments.pop("owner"), arguments.pop("repo")
            where = call.world.repository(owner, name)
            check_access(call, route, where)
            if where.full_name.lower() != f"{owner}/{name}".lower():
                return self._moved(call, where, f"{owner}/{name}")
            arguments["where"] = where
        elif call.token is None and call.app is None and route.method != "GET" and route.path != BY_CODE_ALONE:
            raise Refusal(401, "Requires authentication")
        if route.content:
            self._github.limits.create(caller)
        return route.handler(call, **arguments)

    def _moved(self, call: Call, where: Repository, old: str) -> Answer:
        rest = call.request.full_path.rstrip("?").split(old, 1)[1]
        url = f"{call.world.url}{PREFIX}/repositories/{where.id}{rest}"
        status = 301 if call.request.method == "GET" else 307
        body = {"message": "Moved Permanently", "url": url, "documentation_url": DOCUMENTATION}
        return Answer(status, body, {"Location": url})

    def _response(self, call: Call, found: Any) -> Response:
        answer = found if isinstance(found, Answer) else Answer(200, found)
        headers = {"X-GitHub-Media-Type": "github.v3; format=json", **answer.headers}
        if self._github.enterprise:
            headers["X-GitHub-Enterprise-Version"] = self._github.enterprise
        if answer.raw is not None:
            return Response(answer.raw, answer.status, headers)
        body = answer.body
        if isinstance(body, Page):
            body, link = _paged(call, body)
            headers.update({"Link": link} if link else {})
        if answer.status == 204:
            return Response(b"", 204, headers)
        data = json.dumps(body, separators=(",", ":")).encode()
        if call.request.method == "GET" and answer.status == 200:
            headers["ETag"] = f'W/"{hashlib.sha256(data).hexdigest()}"'
            headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
            if headers["ETag"] in call.request.headers.get("If-None-Match", ""):
                return Response(b"", 304, headers)
        return Response(data, answer.status, headers, content_type="application/json; charset=utf-8")


def refused(told: Refusal) -> Answer:
    """A refusal as GitHub answers it."""
    body: dict[str, Any] = {"message": told.message}
    if told.errors:
        body["errors"] = told.errors
    body |= {"documentation_url": DOCUMENTATION, "status": str(told.status)}
    return Answer(told.status, body, told.headers)


def _number(call: Call, name: str, default: int) -> int:
    text = call.query(name)
    return max(1, int(text)) if text is not None and text.isdigit() else default


def _paged(call: Call, page: Page) -> tuple[Any, str]:
    size = min(MOST_PAGE, _number(call, "per_page", DEFAULT_PAGE))
    number = _number(call, "page", 1)
    last = max(1, -(-len(page.items) // size))
    items = [page.shape(one) for one in page.items[(number - 1) * size : number * size]]
    places = {}
    if number < last:
        places |= {"next": number + 1, "last": last}
    if number > 1:
        places |= {"prev": min(number - 1, last), "first": 1}
    arguments = call.request.args.to_dict()
    base = f"{call.world.url}{call.request.path}"
    links = [f'<{base}?{urlencode({**arguments, "page": at})}>; rel="{name}"' for name, at in places.items()]
    return ({"total_count": len(page.items), page.wrap: items} if page.wrap else items), ", ".join(links)
