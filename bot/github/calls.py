"""Calls to GitHub's API: through PyGithub's requester, within the limits, with a fresh token, errors told to people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from github import Auth
from github.Requester import HTTPSRequestsConnectionClass, Requester, RequestsResponse
from requests.structures import CaseInsensitiveDict

from bot.github.answers import error_of, json_of, wait_in
from bot.github.errors import Forbidden, GitHubError, NotFound, NotUnderstood, RateLimited, Refused, Unreachable
from bot.github.kept import Kept
from bot.github.limits import Cost, Limits, Priority
from bot.github.wire import MOST_BYTES, Answer, NoAnswer, Wire
from bot.runner import crash

JSON = "application/vnd.github+json"
RAW = "application/vnd.github.raw+json"
VERSION = "2022-11-28"
"""The API version that GitHub Enterprise Server knows as well."""

PAGE = 100
_MOST_PAGES = 100
_MOST_HOPS = 4
_AGENT = "headwater"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` begins with a slash, or is a whole address within the API; `told` names it for people."""

    method: str
    path: str
    parameters: Mapping[str, str | int] | None = None
    body: Mapping[str, object] | None = None
    accept: str = JSON
    creates: bool = False
    told: str = ""
    most: int = MOST_BYTES

    @property
    def writes(self) -> bool:
        """Whether it may change anything."""
        return self.method != "GET"

    def __str__(self) -> str:
        return self.told or f"{self.method} {self.path}"


class Identity(Protocol):
    """Who calls: the App, or one of its installations. `payer` is whose limits it is counted against."""

    payer: int

    def authorization(self) -> Auth.Auth | None:
        """What to prove it with."""

    def renew(self, refused: Auth.Auth | None, answer: Answer) -> bool:
        """GitHub answered 401 or 403; whether there is something new to prove it with."""


class Line:
    """The line to one GitHub, shared by threads and identities: its address, its connections, limits, kept answers."""

    def __init__(self, api_url: str, *, timeout: float, limits: Limits, now: Callable[[], float] = time.time) -> None:
        self.api_url = api_url
        self.limits = limits
        self.now = now
        self.run_details = True  # until this GitHub turns out not to know them
        self._timeout = timeout
        self._wire = Wire(timeout)
        self._kept = Kept()
        place = urlsplit(api_url)
        self._origin = f"{place.scheme}://{place.netloc}"
        self._prefix = f"{place.path}/"

    @property
    def graphql(self) -> str:
        """Where GraphQL is asked."""
        return self._requester(None).graphql_url

    def close(self) -> None:
        """Close idle connections."""
        self._wire.close()

    def send(self, call: Call, path: str, auth: Auth.Auth | None, headers: Mapping[str, str]) -> Answer:
        """Send one request and give its answer, whatever it says. Raises Unreachable."""
        connection = _Connection(self._wire, self._origin, call.most)
        parameters = dict(call.parameters) if call.parameters and path == call.path else None
        crash.point(f"github {call.method}")
        trouble: NoAnswer | None = None
        try:
            self._requester(auth).requestJson(call.method, path, parameters, dict(headers), call.body, connection)
        except NoAnswer as failed:
            trouble = failed
        if trouble is not None:  # raised here, so that no traceback leads to the headers that were sent
            what = f"GitHub did not answer {call}: {trouble.why}"
            raise Unreachable(what, uncertain=trouble.sent and call.writes)
        crash.point(f"github {call.method} answered")
        return connection.answer

    def kept(self, key: tuple[object, ...]) -> Answer | None:
        """What was answered last to the same question by the same identity."""
        return self._kept.get(key)

    def keep(self, key: tuple[object, ...], answer: Answer) -> None:
        """Keep an answer for `If-None-Match`."""
        self._kept.keep(key, answer)

    def inside(self, address: str, call: Call) -> str:
        """An address that GitHub sent us to, if it is one of its API. Raises NotUnderstood."""
        if address.startswith("/"):
            address = f"{self._origin}{address}"
        if not address.startswith(f"{self._origin}{self._prefix}"):
            mend = "look whether the address of the API is right"
            raise NotUnderstood(f"GitHub's answer to {call} leads away from its API", mend)
        return address

    def _requester(self, auth: Auth.Auth | None) -> Requester:
        """PyGithub's requester: a new one for each call (20 µs), for it is not safe to share between threads.

        It waits neither between requests nor between writes (`limits` paces them) and retries nothing.
        """
        return Requester(
            auth=auth, base_url=self.api_url, timeout=int(self._timeout), user_agent=_AGENT, per_page=PAGE, verify=True,
            retry=None, pool_size=None, seconds_between_requests=None, seconds_between_writes=None,
        )  # fmt: skip


class _Heard(RequestsResponse):
    """What PyGithub sees of every answer: that there was one. The answer itself goes past it.

    It would log bodies (one of them is a token), follow 301 without its query, and wait on 202.
    """

    def __init__(self) -> None:
        self.status = 200
        self.headers = CaseInsensitiveDict()

    def read(self) -> str:
        return ""


class _Connection(HTTPSRequestsConnectionClass):
    """The connection that PyGithub sends one request by: ours, with its bounds; it keeps the answer."""

    def __init__(self, wire: Wire, origin: str, most: int) -> None:
        self._wire, self._origin, self._most = wire, origin, most
        self.answer = Answer(0, {})

    def request(self, verb: str, url: str, input: Any, headers: dict[str, str], stream: bool = False) -> None:  # noqa: ANN401, ARG002, FBT001
        self.answer = self._wire.exchange(verb, f"{self._origin}{url}", headers, input, self._most)

    def getresponse(self) -> RequestsResponse:
        return _Heard()

    def close(self) -> None:
        """Nothing of its own to close."""


class Caller:
    """Calls in the name of one identity, at one priority; `of`: about which repository, if about one."""

    def __init__(self, line: Line, identity: Identity, priority: Priority = Priority.COMMAND, of: str = "") -> None:
        self.line = line
        self._identity = identity
        self.priority = priority
        self._of = of

    def at(self, priority: Priority) -> Caller:
        """The same with another priority."""
        return Caller(self.line, self._identity, priority, self._of)

    def get(self, path: str, **parameters: str | int) -> object:
        """The JSON of a GET. Raises GitHubError."""
        call = Call("GET", path, parameters)
        return json_of(self.answer(call), str(call))

    def write(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, creates: bool = False
    ) -> object:
        """The JSON of a POST, PATCH, PUT or DELETE. Raises GitHubError."""
        call = Call(method, path, body=body if body is not None else {}, creates=creates)
        return json_of(self.answer(call), str(call))

    def pages(self, path: str, wrap: str | None = None, **parameters: str | int) -> Iterator[object]:
        """All items of a list, page by page as they are needed; `wrap` is the key that holds them.

        Raises GitHubError. Ten thousand items are taken at most.
        """
        call: Call | None = Call("GET", path, {"per_page": PAGE, **parameters})
        for _ in range(_MOST_PAGES):
            if call is None:
                return
            answer = self.answer(call)
            found = json_of(answer, str(call))
            items = found.get(wrap) if isinstance(found, dict) and wrap else found
            if not isinstance(items, list):
                raise NotUnderstood(f"GitHub's answer to {call} is not a list", "", answer.status)
            yield from items
            following = next_page(answer["link"])
            call = Call("GET", self.line.inside(following, call), told=f"GET {path}") if following else None

    def graphql(self, query: str, variables: Mapping[str, object]) -> object:
        """The data of a GraphQL query. Raises GitHubError."""
        call = Call("POST", self.line.graphql, body={"query": query, "variables": variables}, told="GraphQL")
        found = json_of(self.answer(call, resource="graphql"), "GraphQL")
        if not isinstance(found, dict):
            raise NotUnderstood("GitHub's answer to GraphQL is not understood")
        errors = found.get("errors")
        if isinstance(errors, list) and errors:
            raise self._graphql_error([one for one in errors if isinstance(one, dict)])
        return found.get("data")

    def _graphql_error(self, errors: list[dict[str, object]]) -> GitHubError:
        kinds = {str(one.get("type", "")) for one in errors}
        words = "; ".join(str(one.get("message", "")) for one in errors)[:500]
        if "RATE_LIMITED" in kinds:
            told = RateLimited("GitHub's limit of GraphQL requests is used up", 60.0, secondary=False)
            return self.line.limits.limited(self._identity.payer, "graphql", told, named=False)
        if "NOT_FOUND" in kinds:
            return NotFound(f"GitHub finds nothing: {words}", "it may be deleted, or out of the App's reach")
        if "FORBIDDEN" in kinds:
            return Forbidden(f"GitHub does not allow what was asked by GraphQL: {words}", "", 403)
        return Refused(f"GitHub refuses what was asked by GraphQL: {words}", "", 422, words)

    def answer(self, call: Call, resource: str = "core") -> Answer:
        """The answer to a call, if it is a good one. Raises GitHubError."""
        key = (self._identity.payer, call.path, call.accept, tuple(sorted((call.parameters or {}).items())))
        kept = None if call.writes else self.line.kept(key)
        answer = self._followed(call, resource, kept)
        if answer.status == 304 and kept is not None:
            return kept
        if answer.status >= 300:
            raise self._error(answer, call, resource)
        if not call.writes:
            self.line.keep(key, answer)
        return answer

    def _followed(self, call: Call, resource: str, kept: Answer | None) -> Answer:
        """The answer at the end of all redirects (a repository was renamed).

        With a new token, where one had expired or might too little.
        """
        headers = {"Accept": call.accept, "X-GitHub-Api-Version": VERSION}
        if kept is not None:
            headers["If-None-Match"] = kept["etag"]
        path, renewed = call.path, False
        for _ in range(_MOST_HOPS):
            cost = Cost(call.writes, call.creates)
            self.line.limits.admit(self._identity.payer, resource, cost, self.priority, self._of)
            auth = self._identity.authorization()
            answer = self.line.send(call, path, auth, headers)
            self.line.limits.heard(self._identity.payer, answer, self._of)
            if answer.status in (401, 403) and not renewed and self._identity.renew(auth, answer):
                renewed = True
            elif answer.status in (301, 302, 307, 308) and answer["location"]:
                path = self.line.inside(answer["location"], call)
            else:
                return answer
        raise NotUnderstood(f"GitHub sends {call} from one address to the next", "", answer.status)

    def _error(self, answer: Answer, call: Call, resource: str) -> GitHubError:
        error = error_of(answer, call.method, str(call), self.line.now())
        if isinstance(error, RateLimited):
            named = wait_in(answer, self.line.now()) is not None
            return self.line.limits.limited(self._identity.payer, resource, error, named=named)
        return error


def next_page(link: str) -> str | None:
    """The address of the next page within a `Link` header."""
    for part in link.split(","):
        address, _, rest = part.partition(";")
        if 'rel="next"' in rest.replace(" ", "") or "rel=next" in rest.replace(" ", ""):
            return address.strip().removeprefix("<").removesuffix(">")
    return None


def part(text: str | int) -> str:
    """A text as one part of a path. Raises NotFound for what would lead to another path."""
    found = quote(str(text), safe="")
    if found in ("", ".", ".."):
        raise NotFound(f"GitHub has nothing of the name {text!r}", "look at its spelling")
    return found


def parts(text: str) -> str:
    """A text with slashes as parts of a path. Raises NotFound for what would lead to another path."""
    return "/".join(part(one) for one in text.split("/"))
