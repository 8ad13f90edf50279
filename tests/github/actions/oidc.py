"""The issuer of jobs' identity tokens: its keys, its public documents, and what a token claims."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.wrappers import Request, Response

from tests.github.world.repository import Repository

if TYPE_CHECKING:
    from tests.github.actions.runs import Job
    from tests.github.localhost import GitHub

LIFE_SECONDS = 300


class Issuer:
    """Signs with its newest key; `rotate` makes another, `forget` drops the old ones from the published set.

    `names_jobs`: a token says which job it is for, as github.com does since November 2025.
    """

    def __init__(self, github: GitHub) -> None:
        self._github = github
        self.url = f"{github.url}/_services/token"
        self.names_jobs = True
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.asking: dict[str, Job] = {}
        self.given: list[str] = []  # the tokens that jobs were given
        self._where: dict[int, Repository] = {}
        self.rotate()
        github.places["/_services/token/.well-known/"] = self.documents
        github.places["/_apis/token"] = self.answer

    def rotate(self) -> str:
        """Sign with a new key from now on; gives its id."""
        name = secrets.token_hex(8)
        self.keys[name] = rsa.generate_private_key(65537, 2048)
        return name

    def forget(self) -> None:
        """Publish the newest key alone."""
        newest = list(self.keys)[-1]
        self.keys = {newest: self.keys[newest]}

    def documents(self, request: Request) -> Response:
        """What anybody may read: the configuration and the keys."""
        if request.path.endswith("/openid-configuration"):
            found: Any = {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/.well-known/jwks",
                "subject_types_supported": ["public", "pairwise"],
                "response_types_supported": ["id_token"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid"],
            }
        elif request.path.endswith("/jwks"):
            algorithm = jwt.algorithms.RSAAlgorithm
            keys = [(name, json.loads(algorithm.to_jwk(key.public_key()))) for name, key in self.keys.items()]
            found = {"keys": [{**key, "use": "sig", "alg": "RS256", "kid": name} for name, key in keys]}
        else:
            return Response("Not Found\n", 404)
        return Response(json.dumps(found), content_type="application/json")

    def admit(self, where: Repository, job: Job) -> dict[str, str]:
        """What a job is given to ask for its token with."""
        secret = secrets.token_hex(20)
        self.asking[secret] = job
        self._where[job.id] = where
        address = f"{self._github.url}/_apis/token/{job.id}?api-version=2.0"
        return {"ACTIONS_ID_TOKEN_REQUEST_URL": address, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": secret}

    def answer(self, request: Request) -> Response:
        """A job asks for its token."""
        job = self.asking.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if job is None or job.done:
            return Response(json.dumps({"message": "Unauthorized"}), 401, content_type="application/json")
        where = self._where[job.id]
        audience = request.args.get("audience") or f"{self._github.url}/{where.owner.login}"
        text = self.token(where, job, audience)
        self.given.append(text)
        return Response(json.dumps({"count": len(text), "value": text}), content_type="application/json")

    def token(self, where: Repository, job: Job, audience: str, **other: Any) -> str:
        """A job's token; `other` claims replace the true ones (None leaves one out)."""
        now = int(self._github.world.clock.now().timestamp())
        times = {"aud": audience, "iss": self.url, "iat": now, "nbf": now - 60, "exp": now + LIFE_SECONDS}
        found = {**self.claims(where, job), **times, "jti": secrets.token_hex(16), **other}
        name = list(self.keys)[-1]
        given = {key: value for key, value in found.items() if value is not None}
        return jwt.encode(given, self.keys[name], "RS256", {"kid": name})

    def claims(self, where: Repository, job: Job) -> dict[str, Any]:
        """What GitHub says of a job."""
        run = job.run
        file = f"{where.full_name}/{run.workflow.path}@{run.ref}"
        subject = f"ref:{run.ref}"
        if job.environment:
            subject = f"environment:{job.environment.replace(':', '%3A')}"
        elif run.event == "pull_request":
            subject = "pull_request"
        pull = where.pulls.get(run.pull or 0)
        return {
            "sub": f"repo:{where.full_name}:{subject}",
            "repository": where.full_name,
            "repository_id": str(where.id),
            "repository_owner": where.owner.login,
            "repository_owner_id": str(where.owner.id),
            "repository_visibility": "private" if where.private else "public",
            "ref": run.ref,
            "ref_type": "tag" if run.ref.startswith("refs/tags/") else "branch",
            "ref_protected": str((run.head_branch or "") in where.protections).lower(),
            "base_ref": pull.base_branch if pull else "",
            "head_ref": pull.head_branch if pull else "",
            "sha": run.head_sha,
            "event_name": run.event,
            "actor": run.actor.login,
            "actor_id": str(run.actor.id),
            "workflow": run.workflow.name,
            "workflow_ref": file,
            "workflow_sha": run.head_sha,
            "job_workflow_ref": file,
            "job_workflow_sha": run.head_sha,
            "run_id": str(run.id),
            "run_number": str(run.number),
            "run_attempt": str(job.attempt),
            "check_run_id": str(job.id) if self.names_jobs else None,
            "environment": job.environment,
            "runner_environment": "github-hosted",
        }
