"""What a person does on the pages: comment, approve, merge, close, and propose a change of a file. For the demo, to play with."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from tests.github.page.pages import page, people
from tests.github.world import pushing, requests
from tests.github.world.people import Account, allows
from tests.github.world.pulls import Pull
from tests.github.world.refusal import Refusal, not_found
from tests.github.world.repository import Repository
from tests.github.world.world import World

if TYPE_CHECKING:
    from tests.github.localhost import GitHub

_NAME = r"/([^/]+)/([^/]+)"


def answer(github: GitHub, request: Request) -> Response | None:
    """Do what somebody said on a page, or show what can be edited; None: nothing of this."""
    if request.method == "POST" and request.headers.get("Origin") != github.url:
        raise Refusal(403, "This form was not sent by a page of this GitHub.")
    with github.world.lock:
        if request.method == "POST" and (found := re.fullmatch(rf"{_NAME}/pull/(\d+)", request.path)):
            return _do(github.world, request, *found.groups())
        if found := re.fullmatch(rf"{_NAME}/edit/(.+)", request.path):
            where, path = github.world.repository(found[1], found[2]), found[3]
            show = _propose if request.method == "POST" else _edit
            return show(github.world, request, where, path)
    return None


def _do(world: World, request: Request, owner: str, name: str, number: str) -> Response:
    where = world.repository(owner, name)
    pull, asked = where.pulls.get(int(number)), request.form.get("deed", "")
    deed = _DEEDS.get(asked)
    if pull is None or deed is None:
        raise not_found()
    needed = {"merge": "write", "close": "triage", "reopen": "triage"}.get(asked, "read")
    deed(world, where, pull, _person(world, request, where, needed), request.form.get("text", ""))
    return redirect(f"{request.path}#write", 303)


def _person(world: World, request: Request, where: Repository, needed: str) -> Account:
    """Who does it. Raises Refusal where that person may not."""
    who = world.user(request.form.get("who", ""))
    if not allows(world.role(where, who.login), needed):
        raise Refusal(403, f"{who.login} may not: it takes the role {needed}.")
    return who


def _comment(world: World, where: Repository, pull: Pull, who: Account, text: str) -> None:
    requests.comment(world, where, pull.number, who, text)


def _approve(world: World, where: Repository, pull: Pull, who: Account, text: str) -> None:
    requests.review(world, where, pull, who, "APPROVE", text)


def _merge(world: World, where: Repository, pull: Pull, who: Account, _text: str) -> None:
    requests.merge_pull(world, where, pull, who)


def _close(world: World, where: Repository, pull: Pull, who: Account, _text: str) -> None:
    requests.edit_pull(world, where, pull, who, state="closed")


def _reopen(world: World, where: Repository, pull: Pull, who: Account, _text: str) -> None:
    requests.edit_pull(world, where, pull, who, state="open")


_DEEDS: dict[str, Callable[[World, Repository, Pull, Account, str], None]] = {
    "comment": _comment, "approve": _approve, "merge": _merge, "close": _close, "reopen": _reopen,
}  # fmt: skip


def _text(where: Repository, path: str) -> str:
    commit = where.git.branch(where.default_branch)
    found = where.git.read(commit, path) if commit else None
    if found is None:
        raise not_found()
    return found.decode(errors="replace")


def _edit(world: World, _request: Request, where: Repository, path: str) -> Response:
    text = _text(where, path)
    return page("edit.html", title=f"Editing {path}", where=where, path=path, text=text, people=people(world, where))


def _propose(world: World, request: Request, where: Repository, path: str) -> Response:
    """The change as a pull request from a branch of its own."""
    _text(where, path)
    who, title = _person(world, request, where, "write"), request.form.get("title") or f"Update {path}"
    text = request.form.get("text", "").replace("\r\n", "\n")
    branch = f"{who.login}-patch-{world.next_id()}"
    pushing.commit(world, where, {path: text}, title, branch=branch, by=who)
    made = requests.open_pull(world, where, who, title=title, head=branch)
    return redirect(f"/{where.full_name}/pull/{made.number}", 303)
