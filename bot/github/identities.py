"""Who calls GitHub: the App by its key, an installation by a token that lives an hour, or nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from github import Auth

from bot.errors import HeadwaterError
from bot.github.answers import seconds_since_1970
from bot.github.data import Token
from bot.github.wire import Answer

LIFE_SECONDS = 540
"""An App's own proof lives nine minutes; GitHub takes ten at most."""

EARLIER_SECONDS = 60
"""A proof is dated back by so much, for GitHub's clock may be behind."""

MARGIN_SECONDS = 300.0
"""An installation's token is renewed so long before it ends: what it is handed to may take a while."""

GRANTED_SECONDS = 60.0
"""A token this old that lacks a permission is replaced: the App may have been given it since."""

_TOO_FEW = b"not accessible by integration"
_SKEW_SECONDS = 30.0
_MOST_TOKENS = 1000


def private_key(pem: str) -> RSAPrivateKey:
    """The App's key. Raises HeadwaterError where the text is none."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):  # TypeError: it has a passphrase
        key = None
    if isinstance(key, RSAPrivateKey):
        return key
    raise HeadwaterError(
        "the private key of the GitHub App is not an RSA key in PEM form without a passphrase",
        "download a new one from the App's settings (Private keys); HEADWATER_GITHUB_PRIVATE_KEY_FILE names its file",
    )


class Nobody:
    """A caller who proves nothing."""

    payer = 0

    def authorization(self) -> Auth.Auth | None:
        """Nothing."""
        return None

    def renew(self, refused: Auth.Auth | None, answer: Answer) -> bool:  # noqa: ARG002 (as all identities)
        """Nothing will help."""
        return False


class AsApp:
    """The App itself. Where this machine's clock is wrong, it goes by GitHub's from the first refusal on."""

    payer = 0

    def __init__(self, app_id: int, key: RSAPrivateKey, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock
        self._ahead = 0.0
        self._auth = Auth.AppAuth(app_id, sign_func=self._signed)

    def authorization(self) -> Auth.Auth:
        """A proof signed anew at each call."""
        return self._auth

    def renew(self, refused: Auth.Auth | None, answer: Answer) -> bool:  # noqa: ARG002 (as all identities)
        """Whether GitHub's clock was another than the one that the proof was dated by."""
        told = seconds_since_1970(answer)
        if told is None or answer.status != HTTPStatus.UNAUTHORIZED:
            return False
        ahead = told - self._clock()
        wrong = abs(ahead - self._ahead) > _SKEW_SECONDS
        if wrong:
            self._ahead = ahead
        return wrong

    def _signed(self, payload: dict[str, object]) -> str:
        now = int(self._clock() + self._ahead)
        times = {"iat": now - EARLIER_SECONDS, "exp": now + LIFE_SECONDS - EARLIER_SECONDS}
        return jwt.encode({**payload, **times}, self._key, "RS256")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is for: an installation, some of its repositories (None: all), fewer permissions (None: all)."""

    installation: int
    repositories: tuple[int, ...] | None = None
    permissions: tuple[tuple[str, str], ...] | None = None

    @classmethod
    def of(
        cls, installation: int, repositories: tuple[int, ...] | None, permissions: Mapping[str, str] | None
    ) -> Scope:  # fmt: skip
        """A scope from what callers name."""
        given = None if permissions is None else tuple(sorted(permissions.items()))
        return cls(installation, None if repositories is None else tuple(sorted(set(repositories))), given)


@dataclass(slots=True)
class _Place:
    """One scope's token, and the lock that lets a single thread ask for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: Token | None = None
    made: float = 0.0
    good_until: float = 0.0


class Tokens:
    """The tokens that installations have now. `make` asks GitHub for one and tells for how many seconds it lives."""

    def __init__(
        self, make: Callable[[Scope], tuple[Token, float]], clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._make = make
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[Scope, _Place] = {}

    def get(self, scope: Scope) -> Token:
        """A token with some minutes of life left."""
        with self._lock:
            place = self._places.get(scope)
            if place is None:
                self._make_room()
                place = self._places[scope] = _Place()
        with place.lock:  # threads that need the same token wait for one call
            if place.token is None or self._clock() >= place.good_until:
                asked = self._clock()
                place.token, life = self._make(scope)
                place.made = asked
                place.good_until = asked + max(life - MARGIN_SECONDS, life / 2)
            return place.token

    def drop(self, scope: Scope, value: str, older_than: float = 0.0) -> bool:
        """GitHub does not accept this token any more: the next caller gets another one, unless it is too young."""
        with self._lock:
            place = self._places.get(scope)
        if place is not None:
            with place.lock:
                if place.token is not None and place.token.value == value:
                    if self._clock() < place.made + older_than:
                        return False
                    place.token = None
        return True

    def _make_room(self) -> None:
        if len(self._places) >= _MOST_TOKENS:
            now = self._clock()
            self._places = {scope: one for scope, one in self._places.items() if now < one.good_until}
        while len(self._places) >= _MOST_TOKENS:
            del self._places[next(iter(self._places))]


class AsInstallation:
    """An installation of the App."""

    def __init__(self, tokens: Tokens, scope: Scope) -> None:
        self._tokens = tokens
        self._scope = scope
        self.payer = scope.installation

    def authorization(self) -> Auth.Auth:
        """Its token, renewed in time."""
        return Auth.Token(self._tokens.get(self._scope).value)

    def renew(self, refused: Auth.Auth | None, answer: Answer) -> bool:
        """Forget the token: it ended early, was revoked, or is of the time before the App was given a permission."""
        if not isinstance(refused, Auth.Token):
            return False
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return self._tokens.drop(self._scope, refused.token)
        return _TOO_FEW in answer.body.lower() and self._tokens.drop(self._scope, refused.token, GRANTED_SECONDS)
