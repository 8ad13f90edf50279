"""Addresses that a runner may speak to: https, and plain http only on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.runner.failure import RunnerError

HERE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address; `target` is the path with the query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whom one speaks to."""
        return self.scheme, self.host, self.port


def read_address(url: str, what: str) -> Address:
    """The address in this text; `what` is how the error calls it. Raises RunnerError for one that is not safe."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RunnerError(f"{what} is no address: {error}.") from error
    host = parts.hostname or ""
    if not host or not url.isascii() or not url.isprintable() or " " in url or parts.fragment:
        raise RunnerError(f"{what} is no address: write https://HOST.")
    if parts.username is not None or parts.password is not None:
        raise RunnerError(f"{what} holds credentials: an address is shown to many.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in HERE):
        raise RunnerError(
            f"{what} must begin with https://, since tokens travel there (http:// is for localhost alone)."
        )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), target)
