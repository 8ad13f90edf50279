"""Addresses that follow from the API's."""

from __future__ import annotations

import pytest

from bot.errors import HeadwaterError
from bot.github import urls

HOME, SERVER, RESIDENT = "https://api.github.com", "https://git.example.com/api/v3", "https://api.acme.ghe.com"


@pytest.mark.parametrize(("api", "web", "issuer"), [
    (HOME, "https://github.com", "https://token.actions.githubusercontent.com"),
    (SERVER, "https://git.example.com", "https://git.example.com/_services/token"),
    (RESIDENT, "https://acme.ghe.com", "https://token.actions.acme.ghe.com"),
    ("http://127.0.0.1:8080/api/v3", "http://127.0.0.1:8080", "http://127.0.0.1:8080/_services/token"),
    ("https://api.example.com/api/v3", "https://api.example.com", "https://api.example.com/_services/token"),
])  # fmt: skip
def test_what_follows(api: str, web: str, issuer: str) -> None:
    assert urls.checked_api_url(f" {api}/ ") == api
    assert (urls.web_url(api), urls.oidc_issuer(api)) == (web, issuer)
    assert urls.clone_url(api, "acme/shop") == f"{web}/acme/shop.git"
    assert urls.is_enterprise_server(api) == ("/api/v3" in api)


def test_pages_of_the_set_up() -> None:
    assert urls.new_app_url(HOME) == "https://github.com/settings/apps/new"
    assert urls.new_app_url(SERVER, "acme") == "https://git.example.com/organizations/acme/settings/apps/new"
    assert urls.install_url(HOME, "headwater") == "https://github.com/apps/headwater/installations/new"
    assert urls.install_url(SERVER, "headwater") == "https://git.example.com/github-apps/headwater/installations/new"


@pytest.mark.parametrize("wrong", [
    "", "api.github.com", "ftp://api.github.com", "https://", "https://github.com", "https://api.github.com/api/v3",
    "https://acme.ghe.com", "https://git.example.com", "https://git.example.com/api/v4", "https://x/api/v3?y=1",
    "https://ada:hunter2@git.example.com/api/v3", "https://[/api/v3", "https://host:x/api/v3", "https://host/api/v3#a",
])  # fmt: skip
def test_what_is_no_address_of_an_api(wrong: str) -> None:
    with pytest.raises(HeadwaterError, match="GitHub") as told:
        urls.checked_api_url(wrong)
    assert "https://api.github.com" in told.value.mend
    assert "hunter2" not in str(told.value)
