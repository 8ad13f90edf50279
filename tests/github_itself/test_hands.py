"""What a person can do on the pages, and that only the pages may ask for it."""

from __future__ import annotations

import pytest
import requests

from tests.github import GitHub
from tests.github.world.repository import Repository


@pytest.fixture
def shop(github: GitHub) -> Repository:
    github.world.organization("acme")
    found = github.repository("acme/shop", {"README.md": "x\n", "a <b>.tf": "1\n"}, write=["ada", "bob"])
    found.collaborators[github.world.user("eve").login] = "read"
    github.app("acme")
    return found


def _post(github: GitHub, path: str, origin: str | None = None, **form: str) -> requests.Response:
    headers = {"Origin": origin or github.url}
    return requests.post(f"{github.url}{path}", data=form, headers=headers, timeout=5, allow_redirects=False)


def test_a_change_is_proposed_talked_about_and_merged(github: GitHub, shop: Repository) -> None:
    listed = requests.get(f"{github.url}/acme/shop", timeout=5).text
    assert "/acme/shop/edit/a%20%3Cb%3E.tf" in listed
    editing = requests.get(f"{github.url}/acme/shop/edit/README.md", timeout=5).text
    assert ("\nx\n</textarea>" in editing, '<option value="ada">ada (write)</option>' in editing) == (True, True)
    made = _post(github, "/acme/shop/edit/README.md", who="ada", title="Say more", text="x\r\ny\r\n")
    assert (made.status_code, made.headers["Location"]) == (303, "/acme/shop/pull/1")
    pull = shop.pulls[1]
    assert (pull.title, pull.user.login) == ("Say more", "ada")
    assert shop.git.read(pull.head_sha, "README.md") == b"x\ny\n"
    assert _post(github, "/acme/shop/pull/1", who="bob", deed="comment", text="/deploy").status_code == 303
    assert [(one.user.login, one.body) for one in shop.comments.values()] == [("bob", "/deploy")]
    _post(github, "/acme/shop/pull/1", who="bob", deed="approve", text="")
    assert [(one.user.login, one.state) for one in pull.reviews] == [("bob", "APPROVED")]
    _post(github, "/acme/shop/pull/1", who="ada", deed="close", text="")
    assert 'value="reopen"' in requests.get(f"{github.url}/acme/shop/pull/1", timeout=5).text
    _post(github, "/acme/shop/pull/1", who="ada", deed="reopen", text="")
    _post(github, "/acme/shop/pull/1", who="bob", deed="merge", text="")
    assert pull.merged_at is not None


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_other_page_can_send_these_forms(github: GitHub, shop: Repository, origin: str) -> None:
    assert _post(github, "/acme/shop/edit/README.md", origin, who="ada", text="evil").status_code == 403
    assert not shop.pulls


def test_what_github_refuses_is_told(github: GitHub, shop: Repository) -> None:
    _post(github, "/acme/shop/edit/README.md", who="ada", text="y")
    told = _post(github, "/acme/shop/pull/1", who="eve", deed="merge", text="")
    assert told.status_code == 403
    assert _post(github, "/acme/shop/pull/1", who="ada", deed="comment", text=" ").status_code == 422
    for path in ("/acme/shop/pull/9", "/acme/shop/edit/none", "/acme/none/pull/1"):
        assert _post(github, path, who="ada", deed="comment", text="x").status_code == 404
    assert shop.pulls[1].merged_at is None
