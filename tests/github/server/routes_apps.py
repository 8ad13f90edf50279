"""Apps, installations and their tokens, webhook deliveries, users and teams."""

from __future__ import annotations

import json
from typing import Any

from tests.github.hooks import Delivery
from tests.github.server.routing import Answer, Call, Page, route
from tests.github.shapes import accounts, repositories
from tests.github.world.apps import LEVELS, App, Installation
from tests.github.world.clock import stamp
from tests.github.world.people import ROLES, Kind
from tests.github.world.refusal import Refusal, not_found
from tests.github.world.repository import Repository


def _app(call: Call) -> App:
    if call.app is None:
        raise Refusal(401, "A JSON web token could not be decoded")
    return call.app


def _installation(call: Call, number: int) -> Installation:
    found = call.world.installations.get(number)
    if found is None or found.app is not _app(call):
        raise not_found()
    return found


@route("GET", "/app", by_app=True)
def show_app(call: Call) -> Any:
    """The App itself."""
    app = _app(call)
    count = sum(one.app is app for one in call.world.installations.values())
    return {**accounts.app(call.world, app), "installations_count": count}


@route("GET", "/app/installations", by_app=True)
def list_installations(call: Call) -> Any:
    """Where the App is installed."""
    app = _app(call)
    found = [one for one in call.world.installations.values() if one.app is app]
    return Answer(body=Page(found, lambda one: accounts.installation(call.world, one)))


@route("GET", "/app/installations/<int:number>", by_app=True)
def show_installation(call: Call, number: int) -> Any:
    """One installation."""
    return accounts.installation(call.world, _installation(call, number))


@route("GET", "/repos/<owner>/<repo>/installation", by_app=True)
def repository_installation(call: Call, where: Repository) -> Any:
    """The installation that reaches a repository."""
    found = call.world.installation_of(_app(call), where)
    if found is None:
        raise not_found()
    return accounts.installation(call.world, found)


@route("GET", "/users/<login>/installation", by_app=True)
@route("GET", "/orgs/<login>/installation", by_app=True)
def account_installation(call: Call, login: str) -> Any:
    """The installation on an account."""
    for one in call.world.installations.values():
        if one.app is _app(call) and one.account.login.lower() == login.lower():
            return accounts.installation(call.world, one)
    raise not_found()


@route("POST", "/app/installations/<int:number>/access_tokens", by_app=True)
def create_token(call: Call, number: int) -> Any:
    """A token for an hour, with all of the installation's permissions or fewer, for all or some repositories."""
    found, body = _installation(call, number), call.body
    if found.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    wanted = body.get("permissions") or found.permissions
    for permission, level in wanted.items():
        if level not in LEVELS or LEVELS.index(level) > LEVELS.index(found.permissions.get(permission, "none")):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    chosen = _chosen(call, found, body)
    token = call.world.installation_token(found, {"metadata": "read", **wanted}, chosen)
    return Answer(201, accounts.token(token))


def _chosen(call: Call, found: Installation, body: dict[str, Any]) -> set[int] | None:
    ids, names = body.get("repository_ids") or [], body.get("repositories") or []
    if not ids and not names:
        return found.repositories
    covered = [one for one in call.world.repositories.values() if found.covers(one)]
    chosen = {one.id for one in covered if one.id in ids or one.name in names}
    if len(chosen) < len(set(ids)) + len(set(names)):
        text = "There is at least one repository that does not exist or is not accessible to the parent installation."
        raise Refusal(422, text)
    return chosen


@route("DELETE", "/installation/token")
def revoke_token(call: Call) -> Any:
    """Make the token that is used worthless."""
    if call.token is None or call.token.installation is None:
        raise Refusal(403, "Resource not accessible by integration")
    del call.world.tokens[call.token.text]
    return Answer(204)


@route("GET", "/installation/repositories")
def installation_repositories(call: Call) -> Any:
    """The repositories that this token reaches."""
    token = call.token
    if token is None or token.installation is None:
        raise Refusal(403, "You must authenticate with an installation access token in order to list repositories")
    found = [
        one
        for one in call.world.repositories.values()
        if token.installation.covers(one) and (token.repositories is None or one.id in token.repositories)
    ]
    return Answer(body=Page(found, lambda one: repositories.repository(call.world, one), "repositories"))


@route("GET", "/app/hook/config", by_app=True)
def hook_config(call: Call) -> Any:
    """Where the App's webhooks go."""
    app = _app(call)
    return {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": app.webhook_url or ""}


@route("PATCH", "/app/hook/config", by_app=True)
def edit_hook_config(call: Call) -> Any:
    """Send the App's webhooks elsewhere, or sign them with another secret."""
    app = _app(call)
    app.webhook_url = call.body.get("url", app.webhook_url)
    app.webhook_secret = call.body.get("secret", app.webhook_secret)
    return hook_config(call)


def _delivery(one: Delivery, *, whole: bool = False) -> dict[str, Any]:
    shape = {
        "id": one.id,
        "guid": one.guid,
        "delivered_at": stamp(one.at),
        "redelivery": one.redelivery,
        "duration": one.duration,
        "status": one.status,
        "status_code": one.status_code,
        "event": one.event,
        "action": one.action,
        "installation_id": one.installation,
        "repository_id": one.repository,
        "throttled_at": None,
    }
    if whole:
        shape["url"] = one.app.webhook_url
        shape["request"] = {"headers": one.headers, "payload": json.loads(one.body)}
        shape["response"] = {"headers": one.answer_headers, "payload": one.answer}
    return shape


def _log(call: Call) -> list[Delivery]:
    app = _app(call)
    return [one for one in reversed(call.github.hooks.log) if one.app is app]


@route("GET", "/app/hook/deliveries", by_app=True)
def list_deliveries(call: Call) -> Any:
    """The delivery log, newest first; pages by `cursor`, as GitHub does it."""
    size = min(100, int(call.query("per_page") or 30))
    found, cursor = _log(call), call.query("cursor")
    if call.query("status") == "failure":
        found = [one for one in found if one.status_code >= 400]
    if cursor is not None:
        found = [one for one in found if one.id < int(cursor.removeprefix("v1_"))]
    links = {}
    if len(found) > size:
        base = f"{accounts.api(call.world)}/app/hook/deliveries?per_page={size}"
        links["Link"] = f'<{base}&cursor=v1_{found[size - 1].id}>; rel="next"'
    return Answer(200, [_delivery(one) for one in found[:size]], links)


def _delivered(call: Call, number: int) -> Delivery:
    found = next((one for one in _log(call) if one.id == number), None)
    if found is None:
        raise not_found()
    return found


@route("GET", "/app/hook/deliveries/<int:number>", by_app=True)
def show_delivery(call: Call, number: int) -> Any:
    """One delivery with what was sent and answered."""
    return _delivery(_delivered(call, number), whole=True)


@route("POST", "/app/hook/deliveries/<int:number>/attempts", by_app=True)
def redeliver(call: Call, number: int) -> Any:
    """Send it once more."""
    call.github.hooks.redeliver(_delivered(call, number))
    return Answer(202, {})


@route("POST", "/app-manifests/<code>/conversions")
def convert_manifest(call: Call, code: str) -> Any:
    """The end of the App manifest flow: the code becomes an App with its keys, once."""
    app = call.github.manifests.pop(code, None)
    if app is None:
        raise not_found()
    secrets = {"client_secret": "0" * 40, "webhook_secret": app.webhook_secret, "pem": app.private_key}
    return Answer(201, {**accounts.app(call.world, app), **secrets})


@route("GET", "/user")
def show_me(call: Call) -> Any:
    """Whose token this is."""
    if call.user.kind is not Kind.USER:
        raise Refusal(403, "Resource not accessible by integration")
    return accounts.full_user(call.world, call.user)


@route("GET", "/users/<login>")
def show_user(call: Call, login: str) -> Any:
    """An account."""
    found = call.world.accounts.get(login.lower())
    if found is None:
        raise not_found()
    return accounts.full_user(call.world, found)


def _team(call: Call, login: str, slug: str) -> Any:
    found = call.world.teams.get((login.lower(), slug))
    token = call.token
    if found is None or token is None:
        raise not_found()
    if token.is_app:
        if not token.may("members", "read"):
            raise Refusal(
                403, "Resource not accessible by integration", headers={"X-Accepted-GitHub-Permissions": "members=read"}
            )
    elif token.user.login not in found.organization.members:
        raise not_found()
    return found


@route("GET", "/orgs/<login>/teams/<slug>")
def show_team(call: Call, login: str, slug: str) -> Any:
    """A team."""
    return accounts.team(call.world, _team(call, login, slug))


@route("GET", "/orgs/<login>/teams/<slug>/members")
def team_members(call: Call, login: str, slug: str) -> Any:
    """Who is in a team."""
    members = sorted(_team(call, login, slug).members)
    return Answer(body=Page(members, lambda one: accounts.user(call.world, call.world.user(one))))


@route("GET", "/orgs/<login>/teams/<slug>/memberships/<member>")
def team_membership(call: Call, login: str, slug: str, member: str) -> Any:
    """Whether somebody is in a team."""
    team = _team(call, login, slug)
    if member.lower() not in {one.lower() for one in team.members}:
        raise not_found()
    url = f"{accounts.api(call.world)}/organizations/{team.organization.id}/team/{team.id}/memberships/{member}"
    return {"url": url, "role": "member", "state": "active"}


@route("GET", "/repos/<owner>/<repo>/collaborators/<login>/permission")
def permission(call: Call, where: Repository, login: str) -> Any:
    """What somebody may do in a repository: `permission` knows four words, `role_name` all."""
    account = call.world.accounts.get(login.lower())
    if account is None:
        raise not_found()
    role = call.world.role(where, account.login)
    known = {"maintain": "write", "triage": "read"}.get(role, role)
    level = ROLES.index(role)
    held = {"pull": 1, "triage": 2, "push": 3, "maintain": 4, "admin": 5}
    rights = {name: level >= least for name, least in held.items()}
    shape = {**(accounts.user(call.world, account) or {}), "role_name": role, "permissions": rights}
    return {"permission": known, "role_name": role, "user": shape}


@route("GET", "/repos/<owner>/<repo>/collaborators/<login>")
def is_collaborator(call: Call, where: Repository, login: str) -> Any:
    """204 for one who may work here."""
    if login not in where.collaborators and login != where.owner.login and login not in where.owner.members:
        raise not_found()
    return Answer(204)


@route("GET", "/rate_limit")
def rate_limit(call: Call) -> Any:
    """What is left of the hour."""
    caller = call.github.rest.caller(call.request)
    told = call.github.limits.headers(caller)
    keys = {"limit": "Limit", "remaining": "Remaining", "reset": "Reset", "used": "Used"}
    core = {key: int(told[f"X-RateLimit-{name}"]) for key, name in keys.items()}
    return {"resources": {"core": core, "search": core, "graphql": core}, "rate": core}


@route("GET", "/meta")
def meta(call: Call) -> Any:
    """What kind of server this is."""
    shape: dict[str, Any] = {"verifiable_password_authentication": False}
    return {**shape, "installed_version": call.github.enterprise} if call.github.enterprise else shape


@route("GET", "/")
def root(call: Call) -> Any:
    """Where to begin."""
    return accounts.root(call.world)
