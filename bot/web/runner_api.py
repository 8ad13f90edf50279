"""What runners ask, version 1: claim an attempt, give signs of life, hand over log and report; and the runner itself.

docs/openapi.yaml describes it. All of it is told by machines that run other people's code: it is looked at as such.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import structlog
from flask import Blueprint, Response, request

from bot.decide.identity_token import Expected, Mismatch, Refused, accept, number_in
from bot.github.errors import GitHubError, NotGenuine
from bot.store import remote
from bot.store.remote import Claimed, Expectation, Identity
from bot.store.reports import NoReport, Report
from bot.waking import Topic
from bot.web.answers import Answer, refused, told
from bot.web.host import Host
from bot.web.pace import Pace
from planner.ci.headwater_workflow import FILE

MOST_CLAIM = 64 * 1024
MOST_LOG = 1024 * 1024
MOST_REPORT = 10 * 1024 * 1024

_PREFIX = "/runner/v1"
_ATTEMPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_BEARER = re.compile(r"(?i)bearer +([A-Za-z0-9._~+/=-]{1,20000})")
_MOST_BEATS = 2**31 - 1
_GONE = "this attempt is over, or the token is not the one that its claim was answered with"

_ANOTHER = frozenset({Mismatch.RUN, Mismatch.JOB})
"""What a genuine job lacks that came second."""

_USUAL = frozenset({"gone", "taken", "revoked"})
"""Refusals that belong to the ordinary course of things."""

_log = structlog.get_logger()


class _Refusal(Exception):  # noqa: N818  (reads as what it says)
    """A request that is refused with this answer."""

    def __init__(self, status: int, code: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.more = more


def blueprint(host: Host) -> Blueprint:
    """The addresses that runners ask."""
    made = Blueprint("runner", __name__, url_prefix=_PREFIX)
    api = _Api(host)
    made.post("/claim")(api.claim)
    made.post("/attempts/<attempt>/beat")(api.beat)
    made.post("/attempts/<attempt>/log")(api.log)
    made.post("/attempts/<attempt>/report")(api.report)
    made.get("/headwater-<digest>.pyz")(api.zipapp)

    @made.errorhandler(_Refusal)
    def refuse(error: _Refusal) -> Answer:
        attempt = (request.view_args or {}).get("attempt")
        say = _log.info if error.code in _USUAL else _log.warning
        say("runner refused", route=request.endpoint, attempt=attempt, code=error.code, why=error.detail)
        answer = told({"error": error.code, "detail": error.detail, **error.more}, error.status)
        if error.status in (429, 503):
            answer.headers["Retry-After"] = "1"
        return answer

    return made


class _Api:
    """The answers. Each raises _Refusal for what it does not do."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._pace = Pace(rate=max(20.0, 10 / host.settings.beat_seconds), burst=100)

    def claim(self) -> Answer:
        """Give an attempt to the job that proves to be its own."""
        bearer = _bearer()
        asked = _object(_body(MOST_CLAIM))
        attempt, key = _text(asked, "attempt", _ATTEMPT), _text(asked, "key", _KEY)
        nonce = _text(asked, "nonce", _KEY) if "nonce" in asked else ""
        claims = self._genuine(bearer)
        identity = self._identity(attempt, claims)
        with self._host.database.writing() as connection:
            found = remote.claim(connection, self._host.vault, attempt, key, identity, nonce)
        if not isinstance(found, Claimed):
            raise _Refusal(409, found.code, found.detail)
        cause = str(found.spec.get("correlation") or "")
        _log.info("attempt claimed", attempt=attempt, run=identity.run_id, job=identity.job_id, correlation=cause)
        return told({"token": found.token, "spec": self._with_code_token(attempt, found.spec)})

    def _with_code_token(self, attempt: str, spec: dict[str, Any]) -> dict[str, Any]:
        """The spec, with a token for the one repository that its code lies in, where that is not the job's own."""
        fetch = spec.get("fetch")
        if not isinstance(fetch, dict):
            return spec
        try:
            token = self._host.code_token(attempt, str(fetch["url"]))
        except GitHubError as error:  # the job then says that it could not read it
            _log.warning("no token for another repository", attempt=attempt, why=error.what)
            token = None
        return {**spec, "fetch": {**fetch, "token": token}}

    def beat(self, attempt: str) -> Answer:
        """Take a sign of life, and say whether to stop."""
        token = self._token()
        beats = _object(_body(MOST_CLAIM)).get("beats")
        if isinstance(beats, bool) or not isinstance(beats, int) or not 1 <= beats <= _MOST_BEATS:
            raise _Refusal(400, "bad-request", "beats must be a whole number from 1")
        with self._host.database.writing() as connection:
            found = remote.beat(connection, attempt, token, beats)
        if found is None:
            raise _Refusal(410, "gone", _GONE)
        return told({"stop": found.stop})

    def log(self, attempt: str) -> Answer:
        """Take the next piece of a log."""
        token = self._token()
        offset = request.args.get("offset", "")
        if not re.fullmatch(r"[0-9]{1,12}", offset):
            raise _Refusal(400, "bad-request", "offset must be a number from 0")
        data = _body(MOST_LOG)
        with self._host.database.writing() as connection:
            found = remote.append_log(connection, attempt, token, int(offset), data)
        if found is None:
            raise _Refusal(410, "gone", _GONE)
        if found.full:
            raise _Refusal(413, "full", "the log may not become longer: send no more of it", size=found.size)
        if found.conflict:
            raise _Refusal(409, "offset", f"the log has {found.size} bytes: go on from there", size=found.size)
        return told({"size": found.size})

    def report(self, attempt: str) -> Answer:
        """Take what a runner says of its attempt; told twice, it is told once."""
        token = self._token()
        body = _body(MOST_REPORT)
        with self._host.database.reading() as connection:  # before anything is made of so large a body
            if not remote.has(connection, attempt, token):
                raise _Refusal(410, "gone", _GONE)
        _refuse_no_report(_object(body), attempt)
        with self._host.database.writing() as connection:
            found = remote.report(connection, self._host.vault, attempt, token, body)
        if found is None:
            raise _Refusal(410, "gone", _GONE)
        _log.info("attempt reported", attempt=attempt, again=not found.first, correlation=found.correlation)
        self._host.wake(Topic.DRIVE)
        return told({"heard": True})

    def zipapp(self, digest: str) -> Response:
        """The runner, by the digest that a dispatch named."""
        runner = self._host.zipapp
        if digest != runner.digest:
            detail = "this server has another runner: while it is upgraded, another replica may have this one"
            return refused(404, "not-found", detail)
        answer = Response(runner.data, content_type="application/zip")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer

    def _token(self) -> str:
        """The token of the attempt, as it is kept."""
        hashed = remote.hashed(_bearer())
        if not self._pace.allows(hashed):
            raise _Refusal(429, "too-fast", "this runner asks too often: wait a moment")
        return hashed

    def _genuine(self, bearer: str) -> Mapping[str, object]:
        try:
            return self._host.verifier.verify(bearer)
        except NotGenuine as error:
            raise _Refusal(401, "not-genuine", f"{error.what}; {error.mend}") from None
        except GitHubError as error:
            raise _Refusal(503, "issuer-unreachable", f"{error.what}; {error.mend}") from None

    def _identity(self, attempt: str, claims: Mapping[str, object]) -> Identity:
        with self._host.database.reading() as connection:
            wanted = remote.expectation(connection, attempt)
        if wanted is None:
            raise _Refusal(409, "unknown", "there is no such attempt")
        wrong = accept(claims, self._expected(wanted), time.time())
        if wrong and all(one.code in _ANOTHER for one in wrong) and wanted.run_id is not None:
            raise _Refusal(409, "taken", "another job has this attempt: nothing is left to do here")
        if wrong:
            raise _Refusal(403, wrong[0].code.value, _told_to(wrong))
        run = number_in(claims, "run_id")
        assert run is not None  # noqa: S101 (it was accepted)
        return Identity(run, number_in(claims, "check_run_id"))

    def _expected(self, wanted: Expectation) -> Expected:
        return Expected(
            issuer=self._host.verifier.issuer,
            audience=self._host.verifier.audience,
            repository_id=wanted.repository_id,
            repository=wanted.repository,
            default_branch=wanted.default_branch,
            workflow_file=FILE,
            environment=wanted.environment,
            run_id=wanted.run_id,
            check_run_id=wanted.job_id,
        )


def _told_to(wrong: tuple[Refused, ...]) -> str:
    """What a job is told; one of another repository hears nothing of this one."""
    _log.warning("identity refused", why=[one.message for one in wrong])
    if any(one.code is Mismatch.REPOSITORY for one in wrong):
        return "this job is not of the repository that the attempt belongs to"
    return "; ".join(one.message for one in wrong)


def _bearer() -> str:
    found = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    if found is None:
        raise _Refusal(401, "no-token", "Authorization must be Bearer and a token")
    return found[1]


def _body(most: int) -> bytes:
    """The raw bytes; Flask refuses what is longer with 413."""
    request.max_content_length = most
    return request.get_data(cache=False)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _Refusal(400, "bad-request", "the body must be a JSON object")
    return found


def _no_number(sign: str) -> object:
    raise ValueError(f"{sign} is no JSON")


def _refuse_no_report(found: dict[str, Any], attempt: str) -> None:
    """Keep nothing that nobody could take in: the runner that says it is not one of ours, or not alone."""
    try:
        Report.of(found)
    except NoReport as error:
        raise _Refusal(400, "bad-request", f"this is no report: {error}") from None
    if found.get("attempt") != attempt:
        raise _Refusal(400, "bad-request", "the report is of another attempt")


def _text(asked: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    found = asked.get(name)
    if not isinstance(found, str) or not form.fullmatch(found):
        raise _Refusal(400, "bad-request", f"{name} is missing, or has a form that it never has")
    return found
