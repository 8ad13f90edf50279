"""Addresses that follow from the API's: pages, clones, the issuer of jobs' identity tokens.

Three kinds of GitHub: github.com (`https://api.github.com`), GitHub Enterprise Cloud with data residency
(`https://api.NAME.ghe.com`), and GitHub Enterprise Server (`https://HOST/api/v3`).
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from bot.errors import HeadwaterError

GITHUB_API = "https://api.github.com"
_SERVER = "/api/v3"
_RESIDENT = ".ghe.com"


def checked_api_url(text: str) -> str:
    """The address of an API without a slash at its end. Raises HeadwaterError for what cannot be one."""
    mend = f"write {GITHUB_API}, or https://HOST{_SERVER} for GitHub Enterprise Server"
    try:
        place = urlsplit(text.strip())
        known = place.scheme in ("https", "http") and place.hostname and (place.port is None or place.port > 0)
    except ValueError:
        known = None
    if not known or place.query or place.fragment or place.username is not None or place.password is not None:
        raise HeadwaterError("the address of GitHub's API cannot be used", mend)  # unseen: it may hold a password
    path = place.path.rstrip("/")
    at_home = place.hostname == "api.github.com" or (place.hostname or "").endswith(_RESIDENT)
    if (at_home and (path or not (place.hostname or "").startswith("api."))) or (not at_home and path != _SERVER):
        raise HeadwaterError(f"{place.scheme}://{place.netloc}{path} is not the address of a GitHub API", mend)
    return f"{place.scheme}://{place.netloc}{path}"


def is_enterprise_server(api_url: str) -> bool:
    """Whether this is the API of a GitHub Enterprise Server (or of one that is played)."""
    return urlsplit(api_url).path.rstrip("/") == _SERVER


def web_url(api_url: str) -> str:
    """Where people look at it, without a slash at its end."""
    place = urlsplit(api_url)
    netloc = place.netloc if is_enterprise_server(api_url) else place.netloc.removeprefix("api.")
    return f"{place.scheme}://{netloc}"


def clone_url(api_url: str, full_name: str) -> str:
    """Where git fetches a repository from; never with a token in it."""
    return f"{web_url(api_url)}/{quote(full_name)}.git"


def oidc_issuer(api_url: str) -> str:
    """Who issues the identity tokens of this GitHub's jobs, unless an enterprise chose an issuer of its own."""
    if is_enterprise_server(api_url):
        return f"{web_url(api_url)}/_services/token"
    host = urlsplit(web_url(api_url)).netloc
    return (
        f"https://token.actions.{host}" if host.endswith(_RESIDENT) else "https://token.actions.githubusercontent.com"
    )


def new_app_url(api_url: str, organization: str | None = None) -> str:
    """Where the browser posts an App manifest to: for one's own account, or an organization."""
    owner = f"organizations/{quote(organization, safe='')}/" if organization else ""
    return f"{web_url(api_url)}/{owner}settings/apps/new"


def install_url(api_url: str, slug: str) -> str:
    """Where people install the App of this slug."""
    kind = "github-apps" if is_enterprise_server(api_url) else "apps"
    return f"{web_url(api_url)}/{kind}/{quote(slug, safe='')}/installations/new"
