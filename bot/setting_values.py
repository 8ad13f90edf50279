"""What a setting's value must be: each function gives the value as it is used, or raises ValueError with the mend."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from bot.errors import HeadwaterError
from bot.github import urls

_SHORTEST_SECRET = 16
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


def address(text: str) -> str:
    """The address of a server, without a slash at its end. Plain http is for this machine alone."""
    found = _split(text)
    if found.scheme not in ("http", "https") or not found.hostname:
        raise ValueError("must be an address such as https://headwater.example.com")
    if found.username or found.password or found.query or found.fragment:
        raise ValueError("must be a plain address, without user, password, query or fragment")
    if found.scheme == "http" and not _is_loopback(found.hostname):
        raise ValueError("must begin with https://, since tokens travel there (http:// is for localhost alone)")
    return text.rstrip("/")


def _split(text: str) -> SplitResult:
    try:
        found = urlsplit(text)
        _ = found.port
    except ValueError as error:
        raise ValueError(f"is not an address: {error}") from error
    if re.search(r"[\s\x00-\x1f\x7f\\]", text):
        raise ValueError("must not hold spaces or control characters")
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def api_url(text: str) -> str:
    """The address of the API of a GitHub."""
    text = address(text)
    try:
        return urls.checked_api_url(text)
    except HeadwaterError as error:
        raise ValueError(f"is not the address of a GitHub's API: {error.mend}") from error


def database_url(text: str) -> None:
    """A database that Headwater can use."""
    kind = text.partition("://")[0]
    if kind.partition("+")[0] not in ("postgresql", "sqlite") or "://" not in text:
        raise ValueError("must begin with postgresql:// or sqlite:///")


def passwords_of(text: str) -> tuple[str, ...]:
    """The password within an address, as it is written and as it is meant; none in another text."""
    try:
        found = urlsplit(text).password
    except ValueError:
        return ()
    return (found, unquote(found)) if found else ()


def key(text: str) -> None:
    """A key for sensitive values."""
    try:
        size = len(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size != 32:
        raise ValueError("must be 32 bytes in base64: openssl rand -base64 32")


def webhook_secret(text: str) -> None:
    """A secret that nobody guesses."""
    if len(text) < _SHORTEST_SECRET:
        raise ValueError(
            f"must have {_SHORTEST_SECRET} characters or more: set a new one here and in the App's settings"
        )


def private_key_file(path: Path) -> Path:
    """A file with an RSA private key."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  (slow to import)
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    path = path.expanduser().absolute()
    mend = "make one on the App's page at GitHub (Private keys) and name its file here"
    try:
        found = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}): {mend}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"{path} holds no private key in PEM without a password: {mend}") from None
    if not isinstance(found, RSAPrivateKey):
        raise ValueError(f"{path} holds another kind of key than GitHub's: {mend}")
    return path


def port(found: object) -> object:
    """A port; Kubernetes puts addresses of Services into variables that end with `_PORT`."""
    if isinstance(found, str) and found.startswith("tcp://"):
        raise ValueError(
            "holds an address that Kubernetes set for a Service of that name: "
            "set enableServiceLinks: false in the pod, or set the port yourself"
        )
    return found


def repositories(text: str) -> tuple[str, ...]:
    """The names in a list with commas or spaces between them, in lower case as GitHub compares them."""
    found = [one for one in re.split(r"[,\s]+", text) if one]
    wrong = [one for one in found if not _REPOSITORY.fullmatch(one)]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not a repository: write OWNER/NAME, with commas between them")
    return tuple(one.lower() for one in found)


def in_our_words(message: str) -> str:
    """What pydantic says of a value, as a part of our sentence."""
    message = message.removeprefix("Value error, ")
    message = re.sub(r"^Input should be an? valid (\w+).*", r"must be a valid \1", message)
    message = re.sub(r"^Input should (?:be )?", "must be ", message)
    return message[:1].lower() + message[1:]
