"""The pages on which a person makes an App of a manifest, and installs it."""

from __future__ import annotations

import json
import re
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from werkzeug.wrappers import Request, Response

from tests.github.page.pages import page
from tests.github.world.apps import LEVELS, App
from tests.github.world.people import Account, Kind
from tests.github.world.refusal import Refusal, not_found

if TYPE_CHECKING:
    from tests.github.localhost import GitHub

NEEDED_BY = {
    "check_run": "checks", "check_suite": "checks", "delete": "contents", "issue_comment": "issues",
    "merge_group": "merge_queues", "pull_request": "pull_requests", "pull_request_review": "pull_requests",
    "push": "contents", "repository": "metadata", "workflow_job": "actions", "workflow_run": "actions",
}  # fmt: skip
PERMISSIONS = {
    "actions", "administration", "checks", "contents", "deployments", "environments", "issues", "members",
    "merge_queues", "metadata", "pull_requests", "secrets", "statuses", "workflows",
}  # fmt: skip
LONGEST_NAME = 34


def register(github: GitHub) -> None:
    """Answer at the addresses that GitHub has for this."""
    for prefix in ("/settings/apps/", "/organizations/", "/apps/", "/github-apps/"):
        github.places[prefix] = lambda request: answer(github, request)


def answer(github: GitHub, request: Request) -> Response:
    """Show a page, or do what a person said on one."""
    path, posted = request.path, request.method == "POST"
    try:
        with github.world.lock:
            if found := re.fullmatch(r"(?:/organizations/([^/]+))?/settings/apps/(new|create)", path):
                owner = _owner(github, found[1])
                return _ask(request, owner) if found[2] == "new" and posted else _create(github, request, owner)
            if found := re.fullmatch(r"/(?:github-)?apps/([^/]+)(/installations/new)?", path):
                return _install(github, _app(github, found[1]), posted=posted)
    except Refusal as refused:
        return Response(f"{refused.message}\n", refused.status)
    return Response("Not Found\n", 404)


def _owner(github: GitHub, organization: str | None) -> Account:
    """The organization, or the person who sits before the browser: on this GitHub, that is `owner`."""
    if organization is None:
        return github.world.user("owner")
    found = github.world.accounts.get(organization.lower())
    if found is None or found.kind is not Kind.ORGANIZATION:
        raise not_found()
    return found


def _ask(request: Request, owner: Account) -> Response:
    manifest = _manifest(request)
    path = request.path.removesuffix("new") + "create"
    state = request.args.get("state", "")
    return page("manifest.html", title="Create GitHub App", manifest=manifest, text=json.dumps(manifest),
                owner=owner, action=path, state=state)  # fmt: skip


def _manifest(request: Request) -> dict[str, Any]:
    """The manifest that was posted. Raises Refusal, as GitHub does, for the whole of it."""
    try:
        found = json.loads(request.form["manifest"])
        name, home, back = found.get("name") or "", found["url"], found["redirect_url"]
        hook, permissions, events = found["hook_attributes"], found["default_permissions"], found["default_events"]
        places = [urlsplit(one) for one in (home, back, hook["url"])]
    except (KeyError, TypeError, ValueError, AttributeError) as failed:
        raise Refusal(422, f"Invalid GitHub App configuration: {failed!r}") from failed
    wrong = [f"{one} is not an address" for one in places if one.scheme not in ("http", "https") or not one.netloc]
    wrong += [f"Name is too long (maximum is {LONGEST_NAME} characters)"] if len(name) > LONGEST_NAME else []
    wrong += [f"{one} is no permission" for one in permissions if one not in PERMISSIONS]
    wrong += [f"{one} is no level" for one in permissions.values() if one not in LEVELS]
    unsupported = [one for one in events if permissions.get(NEEDED_BY.get(one, "")) is None]
    wrong += [f"Default events unsupported: {', '.join(unsupported)}"] if unsupported else []
    if wrong:
        raise Refusal(422, f"Invalid GitHub App configuration: {'; '.join(wrong)}")
    return found


def _create(github: GitHub, request: Request, owner: Account) -> Response:
    if request.method != "POST":
        raise not_found()
    found = _manifest(request)
    name = request.form.get("name") or found.get("name") or ""
    if not name or any(one.slug == name.lower().replace(" ", "-") for one in github.world.apps.values()):
        raise Refusal(422, "Name has already been taken")
    permissions = {name: level for name, level in found["default_permissions"].items() if name != "metadata"}
    app = github.world.create_app(name, owner, permissions, found["default_events"], found["hook_attributes"]["url"])
    code = secrets.token_hex(20)
    github.manifests[code] = app
    given = urlencode({"code": code, "state": request.form.get("state", "")})
    return Response(status=302, headers={"Location": f"{found['redirect_url']}?{given}"})


def _app(github: GitHub, slug: str) -> App:
    found = next((one for one in github.world.apps.values() if one.slug == slug), None)
    if found is None:
        raise not_found()
    return found


def _install(github: GitHub, app: App, *, posted: bool) -> Response:
    """The App's page, with a button that installs it on all of its owner's repositories."""
    there = any(one.app is app for one in github.world.installations.values())
    if posted and not there:
        github.world.install(app, app.owner)
        there = True
    action = f"/apps/{app.slug}/installations/new"
    return page("app.html", title=app.name, app=app, installed=there, action=action)
