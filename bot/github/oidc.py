"""Whether a job's identity token is genuine: signed by the issuer's key, by its issuer, for us, and in time.

What its claims must be for a job to do what it asks is decided elsewhere.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from bot.errors import HeadwaterError
from bot.github.errors import GitHubError, NotGenuine, NotUnderstood, Unreachable
from bot.github.wire import NoAnswer, Wire

ALGORITHM = "RS256"
LEEWAY_SECONDS = 60.0
REFRESH_SECONDS, MOST_REFRESHES = 30.0, 5
"""The issuer is asked for its keys at most so many times in so long, whatever keys tokens name."""

KEYS_SECONDS = 600.0
"""So long a key may be used after the issuer stopped to publish it."""

STALE_SECONDS = 3600.0
"""So long known keys serve while the issuer cannot be reached."""

_MOST_BYTES = 256 * 1024
_MOST_TOKEN = 16 * 1024
_MOST_KEYS = 100
_LEAST_BITS = 2048
_MEND = "look at the settings of the bot (HEADWATER_OIDC_ISSUER, HEADWATER_PUBLIC_URL) and at the job's log"


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the issuer published, and when it was asked, by a clock that only grows."""

    by_id: Mapping[str, RSAPublicKey] = field(default_factory=dict)
    at: float = float("-inf")


class Verifier:
    """Verifies identity tokens of one issuer for one audience; threads may share it."""

    def __init__(
        self, issuer: str, audience: str, *, timeout: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        """`clock` tells seconds that only ever grow: by it keys become old."""
        self.issuer = issuer
        self.audience = audience
        self._wire = Wire(timeout)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys = _Keys()
        self._asked: deque[float] = deque()
        self._trouble = ""

    def close(self) -> None:
        """Close idle connections."""
        self._wire.close()

    def verify(self, token: str) -> Mapping[str, object]:
        """The claims of a genuine token. Raises NotGenuine, and Unreachable where the issuer's keys cannot be had."""
        found = self._judged(token)
        del token  # raised below, so that no traceback leads to it
        if isinstance(found, HeadwaterError):
            raise found
        return found

    def _judged(self, token: str) -> Mapping[str, object] | HeadwaterError:
        key = self._key_of(token)
        found = self._claims(token, key) if isinstance(key, RSAPublicKey) else key
        if isinstance(found, str):
            return NotGenuine(f"the job's identity token is not accepted: {found}", _MEND)
        return found

    def _claims(self, token: str, key: RSAPublicKey) -> Mapping[str, object] | str:
        """The claims, or what is wrong."""
        try:
            claims: dict[str, object] = jwt.decode(
                token, key, [ALGORITHM], audience=self.audience, issuer=self.issuer, leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "nbf", "iat", "iss", "aud", "sub"], "strict_aud": True},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as failed:
            return self._wrong(failed)
        return claims

    def _wrong(self, failed: Exception) -> str:
        if isinstance(failed, jwt.MissingRequiredClaimError):
            return f"it lacks the claim `{failed.claim}`"
        words: dict[type[Exception], str] = {
            jwt.ExpiredSignatureError: "it has expired (or the clock of the bot's machine is wrong)",
            jwt.ImmatureSignatureError: "it is not valid yet (or the clock of the bot's machine is wrong)",
            jwt.InvalidIssuerError: f"it was not issued by {self.issuer}",
            jwt.InvalidAudienceError: f"it was not made for {self.audience}",
            jwt.InvalidSignatureError: "its signature is wrong",
        }
        return words.get(type(failed), "it is malformed")

    def _key_of(self, token: str) -> RSAPublicKey | str | Unreachable:
        """The published key that the token names, or what is wrong."""
        if len(token) > _MOST_TOKEN:
            return "it is too long"
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return "it is malformed"
        name = header.get("kid")
        if header.get("alg") != ALGORITHM:
            return f"it is not signed by {ALGORITHM}"
        if not isinstance(name, str):
            return "it names no key"
        return self._key(name) or "it is signed by a key that its issuer does not have"

    def _key(self, name: str) -> RSAPublicKey | Unreachable | None:
        """A key by its id, from what is known where that is fresh, else asked for anew."""
        keys = self._keys
        if name in keys.by_id and self._clock() < keys.at + KEYS_SECONDS:
            return keys.by_id[name]
        with self._lock:
            asked = self._keys is not keys or self._ask()  # another thread may have asked just now
            keys, trouble, now = self._keys, self._trouble, self._clock()
            wait = 0.0 if asked else self._asked[0] + REFRESH_SECONDS - now
        if name in keys.by_id and now < keys.at + STALE_SECONDS:
            return keys.by_id[name]
        if trouble or not asked:
            told = trouble or f"{self.issuer} was asked for its keys too often; it is asked again in {wait:.0f} s"
            return Unreachable(told, wait=wait or None)
        return None

    def _ask(self) -> bool:
        """Read the issuer's keys, unless that was done too often. What it no longer publishes is dropped."""
        now = self._clock()
        while self._asked and self._asked[0] <= now - REFRESH_SECONDS:
            self._asked.popleft()
        if len(self._asked) >= MOST_REFRESHES:
            return False
        self._asked.append(now)
        try:
            self._keys, self._trouble = _Keys(self._published(), now), ""
        except GitHubError as failed:
            self._trouble = failed.what
        return True

    def _published(self) -> dict[str, RSAPublicKey]:
        configuration = self._read(f"{self.issuer}/.well-known/openid-configuration")
        address = configuration.get("jwks_uri")
        if configuration.get("issuer") != self.issuer or not isinstance(address, str):
            raise NotUnderstood(f"{self.issuer} publishes another issuer than itself", _MEND)
        ours, theirs = urlsplit(self.issuer), urlsplit(address)
        if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
            raise NotUnderstood(f"{self.issuer} has its keys on another host", _MEND)
        listed = self._read(address).get("keys")
        keys = listed[:_MOST_KEYS] if isinstance(listed, list) else []
        found = {name: key for name, key in map(_public_key, keys) if key is not None}
        if not found:
            raise NotUnderstood(f"{self.issuer} publishes no key that can be used", _MEND)
        return found

    def _read(self, url: str) -> dict[str, object]:
        trouble, found = "", None
        try:
            answer = self._wire.exchange("GET", url, {"Accept": "application/json"}, most=_MOST_BYTES)
            found = json.loads(answer.body) if answer.status == 200 else None
            trouble = f"it answers {answer.status}"
        except NoAnswer as failed:
            trouble = failed.why
        except (ValueError, RecursionError):
            trouble = "it does not answer with JSON"
        if not isinstance(found, dict):
            raise Unreachable(f"the issuer of identity tokens {self.issuer} cannot be read: {trouble}")
        return found


def _public_key(listed: object) -> tuple[str, RSAPublicKey | None]:
    """A key of the published set by its id; None for one of another kind, or too weak."""
    if not isinstance(listed, dict) or not isinstance(listed.get("kid"), str):
        return "", None
    usable = (
        listed.get("kty") == "RSA" and listed.get("use", "sig") == "sig" and listed.get("alg", ALGORITHM) == ALGORITHM
    )
    try:
        key = RSAAlgorithm.from_jwk(json.dumps(listed)) if usable else None
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        key = None
    strong = isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_BITS
    return listed["kid"], key if strong and isinstance(key, RSAPublicKey) else None
