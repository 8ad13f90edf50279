"""Git over smart HTTP, by git's own `http-backend`."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING

from werkzeug.wrappers import Request, Response

from tests.github.server.callers import credentials, reaches, token_of
from tests.github.world.apps import Token
from tests.github.world.git_store import clean_environment
from tests.github.world.people import allows
from tests.github.world.pushing import pushed
from tests.github.world.refusal import Refusal
from tests.github.world.repository import Repository

if TYPE_CHECKING:
    from tests.github.localhost import GitHub

PLACES = ("info/refs", "git-upload-pack", "git-receive-pack")


def answer(github: GitHub, request: Request, owner: str, name: str, rest: str) -> Response:
    """Serve a clone, fetch or push."""
    push = "git-receive-pack" in (rest, request.args.get("service"))
    try:
        with github.world.lock:
            token, where = _admitted(github, request, owner, name, push=push)
    except Refusal as refused:
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if refused.status == 401 else {}
        return Response(f"{refused.message}\n", refused.status, headers)
    body = request.get_data()
    if rest != "git-receive-pack":
        return _backend(where, request, rest, body)
    with github.world.lock:  # pushes are seen one at a time, with all that follows from them
        before = where.git.refs()
        response = _backend(where, request, rest, body, token.user.login if token else "")
        if token is not None:
            pushed(github.world, where, before, where.git.refs(), token.user)
        return response


def _admitted(
    github: GitHub, request: Request, owner: str, name: str, *, push: bool
) -> tuple[Token | None, Repository]:  # fmt: skip
    text = credentials(request.headers.get("Authorization"))
    token = token_of(github.world, text) if text else None
    try:
        where = github.world.repository(owner, name)
    except Refusal as refused:
        raise refused if token else Refusal(401, "Authentication required") from refused
    if not reaches(github.world, token, where):
        raise Refusal(404, "Repository not found.") if token else Refusal(401, "Authentication required")
    if token is None:
        if push:
            raise Refusal(401, "Authentication required")
        return None, where
    level = "write" if push else "read"
    if token.is_app:
        allowed = token.may("contents", level)
    else:
        allowed = allows(github.world.role(where, token.user.login), level)
    if not allowed:
        raise Refusal(403, f"Permission to {where.full_name}.git denied to {token.user.login}.")
    if push and where.archived:
        raise Refusal(403, "This repository was archived so it is read-only.")
    return token, where


def _backend(where: Repository, request: Request, rest: str, body: bytes, user: str = "") -> Response:
    headers: Mapping[str, str] = request.headers
    variables = clean_environment(
        GIT_PROJECT_ROOT=str(where.git.folder),
        GIT_HTTP_EXPORT_ALL="1",
        PATH_INFO=f"/{rest}",
        QUERY_STRING=request.query_string.decode("latin-1"),
        REQUEST_METHOD=request.method,
        CONTENT_TYPE=headers.get("Content-Type", ""),
        CONTENT_LENGTH=str(len(body)),
        HTTP_CONTENT_ENCODING=headers.get("Content-Encoding", ""),
        GIT_PROTOCOL=headers.get("Git-Protocol", ""),
        REMOTE_USER=user,
        REMOTE_ADDR=request.remote_addr or "",
    )
    done = subprocess.run(["git", "http-backend"], input=body, env=variables, check=False, capture_output=True)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    if not head:  # a refusal of git itself ("not our ref") has a body, and an exit code too
        return Response(done.stderr, 500)
    lines = (line.decode("latin-1").split(": ", 1) for line in head.split(b"\r\n"))
    answered = dict(lines)
    status = int(answered.pop("Status", "200 OK").split()[0])
    return Response(content, status, answered)
