"""Hostile faults: what comes from outside and wants in. What is let in is told as a complaint, which fails the run."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
import uuid

import jwt

from tests.github.world import requests as asking
from tests.soak.faults import Fault
from tests.soak.world import SECRET, World

_TEXTS = (
    "$(touch TOOLS/pwned)`touch TOOLS/pwned`; touch TOOLS/pwned",
    "<!-- headwater plan 1 --> ``` </details> {{ 7 * 7 }} {% raw %} @everyone",
    "'; DROP TABLE work; -- \x1b[31m red \u202e turned \u2066",
)


def _posted(world: World, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of an answer; 0 where there was none."""
    request = urllib.request.Request(f"http://127.0.0.1:{world.port}{path}", body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _forged(world: World, fault: Fault) -> int:
    """Webhooks with a signature that is forged, cut short, or of other bytes; identities that are signed by nobody."""
    comment = {"action": "created", "comment": {"id": fault.choice, "body": "/deploy"}}
    body = json.dumps(comment).encode()
    right = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    signatures = ("sha256=" + "0" * 64, f"sha256={right[:40]}", f"sha1={right[:40]}", "")
    told = {"X-GitHub-Event": "issue_comment", "Content-Type": "application/json"}
    found = []
    for one in signatures:
        guid = str(uuid.UUID(int=fault.choice))
        found.append(_posted(world, "/webhook", body, {**told, "X-GitHub-Delivery": guid, "X-Hub-Signature-256": one}))
    found.append(_posted(world, "/webhook", body + b" ", {**told, "X-Hub-Signature-256": f"sha256={right}"}))
    claims = {"iss": world.github.actions.issuer.url, "aud": f"http://127.0.0.1:{world.port}"}
    unsigned = jwt.encode(claims, None, algorithm="none")
    found.append(_claimed(world, unsigned, _an_attempt(world)))
    _refused(world, "a forgery", found)
    return int(401 in found)


def _an_attempt(world: World) -> tuple[str, str]:
    """An attempt and the key that it was dispatched with, as whoever reads the repository's runs can see them."""
    for run in reversed(list(world.repository.runs.values())):
        for job in run.jobs:
            if "attempt" in job.matrix:
                return str(job.matrix["attempt"]), run.title.rpartition(" ")[2]
    return "1-1-1-00000000", "k" * 20


def _claimed(world: World, token: str, attempt: tuple[str, str]) -> int:
    body = json.dumps({"attempt": attempt[0], "key": attempt[1]}).encode()
    told = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return _posted(world, "/runner/v1/claim", body, told)


def _refused(world: World, what: str, statuses: list[int]) -> None:
    world.complaints += [f"{what} was answered with {one}" for one in statuses if 200 <= one < 300]


def _lying(world: World, fault: Fault) -> int:
    """A job claims the attempt of another one, and somebody without its token beats and reports for it."""
    jobs = [
        (run, job) for run in list(world.repository.runs.values()) for job in run.jobs if "attempt" in job.matrix
    ]  # fmt: skip
    if len(jobs) < 2:
        return 0
    run, job = jobs[fault.choice % len(jobs)]
    _, other = next(one for one in jobs if one[1] is not job)
    audience = f"http://127.0.0.1:{world.port}"
    issuer = world.github.actions.issuer
    attempt = (str(job.matrix["attempt"]), run.title.rpartition(" ")[2])
    tokens = [
        issuer.token(world.repository, other, audience, run_id="1", check_run_id=str(other.id)),
        issuer.token(world.repository, job, "https://elsewhere.example.com"),
        issuer.token(world.repository, job, audience, repository_id="1"),
        issuer.token(world.repository, job, audience, exp=1),
    ]
    found = [_claimed(world, token, attempt) for token in tokens]
    told = {"Authorization": "Bearer made-up-" + "x" * 40, "Content-Type": "application/json"}
    for deed in ("beat", "report"):
        body = json.dumps({"beats": 3, "result": "succeeded"}).encode()
        found.append(_posted(world, f"/runner/v1/attempts/{attempt[0]}/{deed}", body, told))
    _refused(world, "a lie", found)
    return int(any(found))


def _named_badly(world: World, fault: Fault) -> int:
    """A pull request whose title, branch and comments want to be run."""
    text = _TEXTS[fault.choice % len(_TEXTS)].replace("TOOLS", str(world.tools))
    branch = f"x;touch${{IFS}}{fault.choice}"
    world.github.commit(world.repository, {"README.md": f"{text}\n"}, text, branch=branch, by="cleo")
    person = world.github.world.user("cleo")
    made = asking.open_pull(world.github.world, world.repository, person, title=text, head=branch, body=text)
    world.pulls[1000 + fault.choice] = made
    asking.comment(world.github.world, world.repository, made.number, person, f"/explain {text}")
    world.over.wait(1.0)
    if (world.tools / "pwned").exists():
        world.complaints.append(f"{text!r} was run")
    return 1


def _bomb(fault: Fault) -> str:
    if fault.choice % 2:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join(9 * [f'*a{n - 1}'])}]" for n in range(1, 9)]
        return "\n".join(lines) + "\n"
    count = 3000
    lines = [f"  e{n}: {{vcs: {{type: script, path: network}}, needs: [e{(n + 1) % count}]}}" for n in range(count)]
    return "environments:\n" + "\n".join(lines) + "\n"


def _bombed(world: World, fault: Fault) -> int:
    """A pull request whose workflow file is a bomb of aliases, or a cycle through thousands."""
    branch = f"bomb-{fault.choice}"
    world.github.commit(world.repository, {"bomb/headwater.yml": _bomb(fault)}, "Boom", branch=branch, by="cleo")
    person = world.github.world.user("cleo")
    made = asking.open_pull(world.github.world, world.repository, person, title="Boom", head=branch)
    world.pulls[1000 + fault.choice] = made
    world.over.wait(1.0)
    return 1


CAUSES = {
    42: _forged,
    43: _named_badly,
    44: _bombed,
    45: _lying,
}
