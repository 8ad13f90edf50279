"""GraphQL: the one query whose answer REST does not give, a pull request's `reviewDecision`, and no other."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from tests.github.server.callers import credentials, reaches, token_of
from tests.github.world.protection import review_decision
from tests.github.world.refusal import Refusal

if TYPE_CHECKING:
    from tests.github.localhost import GitHub

KNOWN = re.compile(
    r"query\s*\w*\s*\(\s*\$owner\s*:\s*String!\s*,?\s*\$(?:repo|name)\s*:\s*String!\s*,?\s*\$number\s*:\s*Int!\s*\)\s*\{"
    r"\s*repository\s*\(\s*owner\s*:\s*\$owner\s*,?\s*name\s*:\s*\$(?:repo|name)\s*\)\s*\{"
    r"\s*pullRequest\s*\(\s*number\s*:\s*\$number\s*\)\s*\{(?P<fields>[\w\s,]*)\}\s*\}\s*\}\s*"
)
FIELDS = {"reviewDecision", "headRefOid", "number", "id", "isDraft"}


def answer(github: GitHub, request: Request) -> Response:
    """Answer a query."""
    with github.world.lock:
        try:
            status, body = 200, _answered(github, request)
        except Refusal as refused:
            status, body = refused.status, {"message": refused.message, "status": str(refused.status)}
    return Response(json.dumps(body), status, content_type="application/json; charset=utf-8")


def _answered(github: GitHub, request: Request) -> dict[str, Any]:
    text = credentials(request.headers.get("Authorization"))
    if text is None:
        raise Refusal(401, "This endpoint requires you to be authenticated.")
    token = token_of(github.world, text)
    sent = json.loads(request.get_data() or b"{}")
    match, variables = KNOWN.fullmatch(str(sent.get("query", "")).strip()), sent.get("variables") or {}
    asked = re.findall(r"\w+", match["fields"]) if match else []
    if match is None or not set(asked) <= FIELDS:
        told = f"The GitHub on localhost answers reviewDecision of one pull request alone, not: {sent.get('query')!r}"
        return {"errors": [{"type": "undefinedField", "message": told}]}
    names = (str(variables.get("owner")), str(variables.get("repo") or variables.get("name")))
    try:
        where = github.world.repository(*names)
        found = where.pulls.get(int(variables.get("number", 0)))
    except Refusal:
        where, found = None, None
    if where is None or not reaches(github.world, token, where):
        told = f"Could not resolve to a Repository with the name '{'/'.join(names)}'."
        return {
            "data": {"repository": None},
            "errors": [{"type": "NOT_FOUND", "path": ["repository"], "message": told}],
        }
    if token.is_app and not token.may("pull_requests", "read"):
        return {
            "data": {"repository": None},
            "errors": [{"type": "FORBIDDEN", "message": "Resource not accessible by integration"}],
        }
    if found is None:
        told = f"Could not resolve to a PullRequest with the number of {variables.get('number')}."
        return {"data": {"repository": {"pullRequest": None}}, "errors": [{"type": "NOT_FOUND", "message": told}]}
    values = {
        "reviewDecision": review_decision(github.world, where, found),
        "headRefOid": found.head_sha,
        "number": found.number,
        "id": str(found.id),
        "isDraft": found.draft,
    }
    return {"data": {"repository": {"pullRequest": {name: values[name] for name in asked}}}}
