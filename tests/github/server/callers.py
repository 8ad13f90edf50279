"""Who calls, by the Authorization header, and what a caller may do to a repository."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import jwt

from tests.github.server.routing import Call, Route
from tests.github.world.apps import App, Token
from tests.github.world.people import allows
from tests.github.world.refusal import Refusal, not_found
from tests.github.world.repository import Repository

if TYPE_CHECKING:
    from tests.github.world.world import World

MOST_JWT_SECONDS = 600


def credentials(header: str | None) -> str | None:
    """The token within `Authorization: Bearer|token|Basic …`."""
    kind, _, text = (header or "").strip().partition(" ")
    if kind.lower() in ("bearer", "token"):
        return text.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(text, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return None


def token_of(world: World, text: str) -> Token:
    """The token of this text. Raises Refusal 401 (403 for a suspended installation)."""
    found = world.tokens.get(text)
    if found is None or (found.expires_at is not None and world.clock.now() >= found.expires_at):
        raise Refusal(401, "Bad credentials")
    if found.installation is not None and found.installation.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    return found


def app_of(world: World, text: str) -> App:
    """The App whose JSON web token this is. Raises Refusal as GitHub words it."""
    try:
        claims = jwt.decode(text, options={"verify_signature": False})
        if jwt.get_unverified_header(text).get("alg") != "RS256":
            raise Refusal(401, "A JSON web token could not be decoded")
    except jwt.PyJWTError as failed:
        raise Refusal(401, "A JSON web token could not be decoded") from failed
    issuer = str(claims.get("iss", ""))
    app = next((one for one in world.apps.values() if one.private_key and issuer in (str(one.id), one.client_id)), None)
    if app is None:
        raise Refusal(404, "Integration not found")
    try:
        jwt.decode(text, app.public_key, ["RS256"], options={"verify_exp": False, "verify_iat": False})
    except jwt.PyJWTError as failed:
        raise Refusal(401, "A JSON web token could not be decoded") from failed
    now = world.clock.now().timestamp()
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, int | float) or expires <= now:
        text = "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
        raise Refusal(401, text)
    if expires > now + MOST_JWT_SECONDS + 60:
        raise Refusal(401, "'Expiration time' claim ('exp') is too far in the future")
    if not isinstance(issued, int | float) or issued > now + 60:
        text = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
        raise Refusal(401, text)
    return app


def identify(call: Call, route: Route) -> None:
    """Find out who calls. Raises Refusal."""
    text = credentials(call.request.headers.get("Authorization"))
    if text is None:
        if route.by_app:
            raise Refusal(401, "A JSON web token could not be decoded")
        return
    if text.count(".") == 2:
        call.app = app_of(call.world, text)
        if not route.by_app and route.path.startswith("/repos/"):
            raise Refusal(403, "Resource not accessible by integration")
    else:
        if route.by_app:
            raise Refusal(401, "A JSON web token could not be decoded")
        call.token = token_of(call.world, text)


def check_access(call: Call, route: Route, repository: Repository) -> None:
    """Let the caller through to a repository, or raise Refusal."""
    token = call.token
    if call.app is not None:
        return
    if not reaches(call.world, token, repository):
        raise not_found()
    writes = route.method not in ("GET", "HEAD")
    if token is None:
        if writes:
            raise Refusal(401, "Requires authentication")
    elif token.is_app:
        if not any(token.may(permission, level) for permission, level in route.needs):
            accepted = "; ".join(f"{permission}={level}" for permission, level in route.needs)
            raise Refusal(
                403, "Resource not accessible by integration", headers={"X-Accepted-GitHub-Permissions": accepted}
            )
    elif not allows(call.world.role(repository, token.user.login), route.role):
        raise Refusal(
            403, "Must have admin rights to Repository." if route.role == "admin" else "Must have push access"
        )
    if writes and repository.archived:
        raise Refusal(403, "Repository was archived so is read-only.")


def reaches(world: World, token: Token | None, repository: Repository) -> bool:
    """Whether a caller may know of a repository at all."""
    if token is None:
        return not repository.private
    if not token.is_app:
        return world.role(repository, token.user.login) != "none"
    if token.installation is not None and not token.installation.covers(repository):
        return not repository.private
    return token.repositories is None or repository.id in token.repositories or not repository.private
