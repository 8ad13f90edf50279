"""The pages: all repositories, a pull request, a run, a job, a check run."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from werkzeug.wrappers import Request, Response

from tests.github.page.markdown import render
from tests.github.world.people import Kind
from tests.github.world.protection import merge_state, review_decision, unmet
from tests.github.world.refusal import not_found
from tests.github.world.repository import Repository
from tests.github.world.world import World

if TYPE_CHECKING:
    from tests.github.localhost import GitHub

FOLDER = Path(__file__).parent
SIGNS = {
    "success": "✓", "failure": "✗", "cancelled": "⊘", "skipped": "⊘", "neutral": "◻", "timed_out": "✗",
    "action_required": "!", "error": "✗", "inactive": "◌",
}  # fmt: skip


def _sign(conclusion: str | None) -> str:
    return SIGNS.get(conclusion or "", "●")


def _ago(time: datetime) -> str:
    return time.strftime("%d %b %H:%M:%S")


_PAGES = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_PAGES.filters |= {"markdown": lambda text: Markup(render(text or "")), "sign": _sign, "ago": _ago}


def answer(github: GitHub, request: Request) -> Response:
    """Show a page."""
    for pattern, show in _PLACES:
        found = re.fullmatch(pattern, request.path)
        if found and request.method in ("GET", "HEAD"):
            with github.world.lock:
                return show(github, *found.groups())
    return Response("Not Found\n", 404)


def page(name: str, **values: Any) -> Response:
    """A page made of one of the templates beside this file."""
    nonce = secrets.token_urlsafe(16)
    style, script = (Markup((FOLDER / one).read_text()) for one in ("style.css", "live.js"))
    text = _PAGES.get_template(name).render(style=style, script=script, nonce=nonce, **values)
    policy = f"default-src 'none'; style-src 'unsafe-inline'; img-src *; connect-src 'self'; script-src 'nonce-{nonce}'"
    return Response(text, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": policy})


def people(world: World, where: Repository) -> list[tuple[str, str]]:
    """Who may be played: login and role, the mightiest first."""
    roles = ("admin", "maintain", "write", "triage", "read", "none")
    found = [(one.login, world.role(where, one.login)) for one in world.accounts.values() if one.kind is Kind.USER]
    return sorted(found, key=lambda one: (roles.index(one[1]), one[0]))


def _all(github: GitHub) -> Response:
    return page("all.html", repositories=list(github.world.repositories.values()), title="GitHub on localhost")


def _pull(github: GitHub, owner: str, name: str, number: str) -> Response:
    world, where = github.world, github.world.repository(owner, name)
    pull = where.pulls.get(int(number))
    if pull is None:
        raise not_found()
    comments = [("comment", one.created_at, one) for one in where.comments.values() if one.number == pull.number]
    reviews = [("review", one.submitted_at, one) for one in pull.reviews]
    checks = {(one.suite.app, one.name): one for one in where.check_runs.values() if one.head_sha == pull.head_sha}
    at = {sha for sha in (pull.head_sha, pull.merge_commit, where.git.resolve(f"refs/pull/{number}/merge")) if sha}
    start = where.git.merge_base(pull.base_sha, pull.head_sha) or pull.base_sha
    return page(
        "pull.html",
        title=f"{pull.title} · Pull Request #{number} · {where.full_name}",
        where=where,
        pull=pull,
        timeline=sorted([*comments, *reviews], key=lambda one: one[1]),
        checks=list(checks.values()),
        apps=world.apps,
        statuses=list({one.context: one for one in where.statuses if one.sha == pull.head_sha}.values()),
        deployments=[one for one in where.deployments.values() if one.sha in at],
        state=merge_state(world, where, pull) if pull.state == "open" else pull.state,
        decision=review_decision(world, where, pull),
        unmet=unmet(world, where, pull) if pull.state == "open" else [],
        people=people(world, where),
        files=where.git.changes(start, pull.head_sha),
        commits=where.git.log(pull.head_sha, f"^{start}", most=50),
    )


def _run(github: GitHub, owner: str, name: str, number: str) -> Response:
    where = github.world.repository(owner, name)
    run = where.runs.get(int(number))
    if run is None:
        raise not_found()
    return page(
        "run.html", title=f"{run.title} · {where.full_name}", where=where, run=run, jobs=run.current(), full=False
    )


def _job(github: GitHub, owner: str, name: str, run: str, number: str) -> Response:
    where = github.world.repository(owner, name)
    found = where.runs.get(int(run))
    jobs = [one for one in found.jobs if one.id == int(number)] if found else []
    if not jobs:
        raise not_found()
    return page(
        "run.html", title=f"{jobs[-1].name} · {where.full_name}", where=where, run=found, jobs=jobs[-1:], full=True
    )


def _check(github: GitHub, owner: str, name: str, number: str) -> Response:
    where = github.world.repository(owner, name)
    check = where.check_runs.get(int(number))
    if check is None:
        raise not_found()
    app = github.world.apps[check.suite.app]
    return page("check.html", title=f"{check.name} · {where.full_name}", where=where, check=check, app=app)


def _repository(github: GitHub, owner: str, name: str) -> Response:
    where: Repository = github.world.repository(owner, name)
    return page("repository.html", repositories=[where], title=where.full_name, files=_files(where))


def _files(where: Repository) -> list[str]:
    """The paths of the default branch, without what only its owner may change."""
    commit = where.git.branch(where.default_branch)
    found = where.git.run("ls-tree", "-r", "--name-only", "-z", commit).split("\0") if commit else []
    return sorted(one for one in found if one and not one.startswith(".github/"))


_NAME = r"/([^/]+)/([^/]+)"
_PLACES: list[tuple[str, Callable[..., Response]]] = [
    (r"/", _all),
    (rf"{_NAME}/pull/(\d+)", _pull),
    (rf"{_NAME}/actions/runs/(\d+)", _run),
    (rf"{_NAME}/actions/runs/(\d+)/job/(\d+)", _job),
    (rf"{_NAME}/runs/(\d+)", _check),
    (rf"{_NAME}(?:/pulls)?", _repository),
]
