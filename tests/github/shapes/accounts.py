"""Users, teams, Apps, installations as JSON."""

from __future__ import annotations

import base64
from typing import Any

from tests.github.world.apps import App, Installation, Token
from tests.github.world.clock import stamp
from tests.github.world.people import Account, Team
from tests.github.world.world import World

Shape = dict[str, Any]


def node_id(kind: str, number: int) -> str:
    """An opaque id as GraphQL uses it."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def api(world: World) -> str:
    """Where the REST API is."""
    return f"{world.url}/api/v3"


def root(world: World) -> Shape:
    """Where all else is."""
    pages, listed = "{&page,per_page,sort,order}", "{?type,page,per_page,sort}"
    places = {
        "current_user": "/user",
        "code_search": f"/search/code?q={{query}}{pages}",
        "commit_search": f"/search/commits?q={{query}}{pages}",
        "emails": "/user/emails",
        "emojis": "/emojis",
        "events": "/events",
        "feeds": "/feeds",
        "followers": "/user/followers",
        "following": "/user/following{/target}",
        "gists": "/gists{/gist_id}",
        "issue_search": f"/search/issues?q={{query}}{pages}",
        "issues": "/issues",
        "keys": "/user/keys",
        "label_search": "/search/labels?q={query}&repository_id={repository_id}{&page,per_page}",
        "notifications": "/notifications",
        "organization": "/orgs/{org}",
        "organization_repositories": f"/orgs/{{org}}/repos{listed}",
        "organization_teams": "/orgs/{org}/teams",
        "public_gists": "/gists/public",
        "rate_limit": "/rate_limit",
        "repository": "/repos/{owner}/{repo}",
        "repository_search": f"/search/repositories?q={{query}}{pages}",
        "current_user_repositories": f"/user/repos{listed}",
        "starred": "/user/starred{/owner}{/repo}",
        "starred_gists": "/gists/starred",
        "topic_search": "/search/topics?q={query}{&page,per_page}",
        "user": "/users/{user}",
        "user_organizations": "/user/orgs",
        "user_repositories": f"/users/{{user}}/repos{listed}",
        "user_search": f"/search/users?q={{query}}{pages}",
    }
    shape = {f"{name}_url": f"{api(world)}{path}" for name, path in places.items()}
    return {
        **shape,
        "current_user_authorizations_html_url": f"{world.url}/settings/connections/applications{{/client_id}}",
    }


def user(world: World, account: Account | None) -> Shape | None:
    """A SimpleUser."""
    if account is None:
        return None
    url = f"{api(world)}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id(account.kind, account.id),
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{world.url}/{account.login}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": account.kind.value,
        "site_admin": False,
        "user_view_type": "public",
    }


def full_user(world: World, account: Account) -> Shape:
    """A user as asked for alone."""
    created = stamp(world.clock.now())
    empty = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    return {**(user(world, account) or {}), **empty, **counts, "created_at": created, "updated_at": created}


def organization(world: World, account: Account) -> Shape:
    """An OrganizationSimple."""
    url = f"{api(world)}/orgs/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id("Organization", account.id),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "description": None,
    }


def team(world: World, one: Team) -> Shape:
    """A TeamFull."""
    owner = one.organization
    url = f"{api(world)}/organizations/{owner.id}/team/{one.id}"
    now = stamp(world.clock.now())
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    return {
        "id": one.id,
        "node_id": node_id("Team", one.id),
        "url": url,
        "html_url": f"{world.url}/orgs/{owner.login}/teams/{one.slug}",
        "name": one.name,
        "slug": one.slug,
        "type": "organization",
        "organization_id": owner.id,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "members_count": len(one.members),
        "repos_count": len(one.repositories),
        "created_at": now,
        "updated_at": now,
        "organization": {
            **organization(world, owner), **counts, "html_url": f"{world.url}/{owner.login}", "type": "Organization",
            "has_organization_projects": True, "has_repository_projects": True, "created_at": now, "updated_at": now,
            "archived_at": None,
        },
    }  # fmt: skip


def app(world: World, one: App) -> Shape:
    """An Integration."""
    return {
        "id": one.id,
        "slug": one.slug,
        "node_id": node_id("Integration", one.id),
        "client_id": one.client_id,
        "owner": user(world, one.owner),
        "name": one.name,
        "description": None,
        "external_url": world.url,
        "html_url": f"{world.url}/apps/{one.slug}",
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "permissions": one.permissions,
        "events": list(one.events),
    }


def installation(world: World, one: Installation) -> Shape:
    """An Installation."""
    url = f"{api(world)}/app/installations/{one.id}"
    return {
        "id": one.id,
        "client_id": one.app.client_id,
        "account": user(world, one.account),
        "repository_selection": "all" if one.repositories is None else "selected",
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{api(world)}/installation/repositories",
        "html_url": f"{world.url}/settings/installations/{one.id}",
        "app_id": one.app.id,
        "app_slug": one.app.slug,
        "target_id": one.account.id,
        "target_type": one.account.kind.value,
        "permissions": one.permissions,
        "events": list(one.app.events),
        "created_at": stamp(one.created_at),
        "updated_at": stamp(one.created_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user(world, one.account) if one.suspended_at else None,
        "suspended_at": stamp(one.suspended_at),
    }


def token(one: Token) -> Shape:
    """What an App gets when it asks for a token."""
    selection = "all" if one.repositories is None else "selected"
    return {
        "token": one.text,
        "expires_at": stamp(one.expires_at),
        "permissions": one.permissions,
        "repository_selection": selection,
    }
