"""One request over HTTP and its answer: bounded in time and size, kept-alive, no cookies, no redirects, no retries."""

from __future__ import annotations

import http.cookiejar
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
import requests.adapters
import urllib3

MOST_BYTES = 32 * 1024 * 1024
"""A page of a hundred pull requests is 3 MB."""

_CHUNK = 65_536
_CONNECT_SECONDS = 10.0
_EMPTY = (204, 304)
_UNSENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.NameResolutionError,
    urllib3.exceptions.ProxyError,
)
_UNSENT_BY_REQUESTS = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidSchema,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.ProxyError,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; names of headers are in lower case. The body shows in no representation: it may be a token."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False, default=b"")

    def __getitem__(self, header: str) -> str:
        """A header, or an empty text."""
        return self.headers.get(header, "")


class NoAnswer(Exception):  # noqa: N818 (reads as what it says)
    """Nothing came back, or not the whole of it. `sent`: the request may have reached the other side."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.why = why
        self.sent = sent


class Wire:
    """A pool of connections that threads may share.

    `timeout` is for how many seconds one exchange may take, from its beginning to the last byte: a server that drips
    its answer is cut off as well. Proxies and private authorities come from the usual variables of the environment
    (`HTTPS_PROXY`, `REQUESTS_CA_BUNDLE`), credentials never do.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._session = _Session()
        self._session.auth = _as_it_is  # else requests looks for credentials in ~/.netrc
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=()))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=16, max_retries=0))

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def exchange(
        self, method: str, url: str, headers: Mapping[str, str], data: str | None = None, most: int = MOST_BYTES
    ) -> Answer:
        """Send a request and read its answer, at most so many bytes of it. Raises NoAnswer."""
        found = self._tried(method, url, headers, data, most)
        if isinstance(found, NoAnswer):
            raise found  # here, where no failure of a library hangs on to it with the headers that were sent
        return found

    def _tried(
        self, method: str, url: str, headers: Mapping[str, str], data: str | None, most: int
    ) -> Answer | NoAnswer:
        end = time.monotonic() + self._timeout
        try:
            response = self._session.request(
                method, url, headers=dict(headers), data=data.encode() if data is not None else None,
                timeout=(min(_CONNECT_SECONDS, self._timeout), self._timeout), allow_redirects=False, stream=True,
            )  # fmt: skip
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as failed:
            return NoAnswer(_why(failed), sent=not _unsent(failed))
        try:
            body = _read(response.raw, end, most)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as failed:
            return NoAnswer(_why(failed), sent=True)
        finally:
            response.close()
        return Answer(response.status_code, {name.lower(): text for name, text in response.headers.items()}, body)


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: even when told not to follow redirects, requests would look at them and read their bodies unbounded."""


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read(raw: urllib3.BaseHTTPResponse, end: float, most: int) -> bytes:
    """The body, read as it comes so that the clock is looked at between pieces."""
    found = bytearray()
    while piece := raw.read1(_CHUNK, decode_content=True):
        found += piece
        if len(found) > most:
            raise ValueError("too long")
        if time.monotonic() > end:
            raise TimeoutError
    told = raw.headers.get("Content-Length", "")
    if told.isdigit() and "Content-Encoding" not in raw.headers and len(found) < int(told):
        raise ConnectionError
    if not found and not told and "Transfer-Encoding" not in raw.headers and raw.status not in _EMPTY:
        raise ConnectionError  # cut within its headers
    return bytes(found)


def _why(failed: Exception) -> str:
    """What went wrong in words of ours: those of libraries may hold addresses with credentials of a proxy."""
    if isinstance(failed, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return "the certificate of the other side is not accepted, or encryption failed"
    if isinstance(failed, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return "it took too long"
    if isinstance(failed, ValueError) and not isinstance(failed, requests.RequestException):
        return "the answer is too long"
    if isinstance(failed, requests.exceptions.ProxyError):
        return "the proxy cannot be reached"
    return "no connection" if _unsent(failed) else "the connection was cut"


def _unsent(failed: Exception) -> bool:
    """Whether it is certain that nothing was sent."""
    if isinstance(failed, _UNSENT_BY_REQUESTS):
        return True
    inner = failed.args[0] if failed.args else None
    reason = getattr(inner, "reason", None)
    return isinstance(inner, _UNSENT) or isinstance(reason, _UNSENT)
