"""The HTTP interface against its own description: whatever is asked, right or wrong, is answered as docs/openapi.yaml says.

Schemathesis makes the requests, by the description and against it. The server listens for real, with real attempts whose
tokens are known here, so that what is asked also gets past the door.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode, checks
from schemathesis.core.parameters import ParameterLocation as Place
from schemathesis.specs.openapi import checks as described
from sqlalchemy import func, select

from bot.github.oidc import Verifier
from bot.metrics import Metrics
from bot.store.database import Database
from bot.store.hosted_tables import attempt_logs, deliveries, remote_attempts
from bot.vault import Vault
from bot.web import webhook
from bot.web.app import create_app
from bot.web.intake import Intake
from bot.web.listener import Listener
from planner.format.yaml_nodes import read_yaml
from tests.bot.web.conftest import PUBLIC_URL, TestHost, settings_in, webhook_headers
from tests.bot.web.offering import Ci, Offered, offer
from tests.depth import examples
from tests.github import GitHub
from tests.github.actions.runs import Job

DESCRIPTION = Path(__file__).parents[2] / "docs" / "openapi.yaml"
SCHEMA = schemathesis.openapi.from_path(DESCRIPTION)
OPERATIONS = [one.ok().label for one in SCHEMA.get_all_operations()]
SPEC = {
    "kind": "deploy", "alias": "db", "slug": "db", "tool": "script", "path": "db", "commit": "a" * 40,
    "fetch": {"url": "https://github.example.com/acme/shop.git", "token": None}, "refuse_no_backend": True,
    "digest_key": "ab" * 32, "seal_key": "cd" * 32, "variables": [{"name": "PASSWORD", "value": "tiger"}],
}  # fmt: skip


class Whose(StrEnum):
    """Whose attempt and token a request names."""

    OWN = "its own"
    ANOTHERS = "the token of another attempt"
    GENERATED = "whatever was generated"


@dataclass
class Asked:
    """The server that is asked, and what is known of its attempts here."""

    host: TestHost
    ci: Ci
    job: Job
    url: str
    identity: str
    session: requests.Session = field(default_factory=requests.Session)
    unspent: tuple[str, str] | None = None
    others: str = ""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def offered(self) -> Offered:
        """An attempt that nobody has claimed."""
        return offer(self.host, self.ci.repository.id, alias=f"db{next(self.numbers)}", spec=SPEC)

    def claimed(self) -> tuple[str, str]:
        """An attempt that is claimed and has neither log nor report yet, and its token."""
        self.unspent = self.unspent or self._claim()
        return self.unspent

    def another(self) -> str:
        """The token of another attempt."""
        self.others = self.others or self._claim()[1]
        return self.others

    def _claim(self) -> tuple[str, str]:
        one = self.offered()
        body = {"attempt": one.attempt, "key": one.key}
        answer = self.session.post(f"{self.url}/runner/v1/claim", json=body, headers=bearer(self.identity), timeout=10)
        assert answer.status_code == 200
        return one.attempt, answer.json()["token"]

    def kept(self) -> tuple[object, ...]:
        """How much the store holds of what is told here."""
        told = remote_attempts.c
        counts = [func.sum(told.beats), func.count(told.report), func.count(told.token_hash)]
        counts += [select(func.count()).select_from(one).scalar_subquery() for one in (deliveries, attempt_logs)]  # type: ignore[misc]
        with self.host.database.reading() as connection:
            return tuple(connection.execute(select(*counts)).one())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, key_file: Path) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("asked")
    chosen = settings_in(folder / "state", key_file, beat_seconds=0.001)  # so that few are told to ask less often
    chosen.state.mkdir()
    database = Database.file(folder / "headwater.db")
    with GitHub() as github:
        ci = Ci.on(github)
        job = ci.job()
        verifier = Verifier(github.actions.issuer.url, PUBLIC_URL)
        host = TestHost(chosen, database, Vault(chosen.state / "key"), verifier, Metrics(lambda: None))  # type: ignore[arg-type, return-value]
        intake = Intake(database, host.wake)
        intake.start()
        listener = Listener(create_app(host, intake), "127.0.0.1", 0, most_body=webhook.MOST_BYTES)
        thread = listener.start()
        yield Asked(host, ci, job, listener.url, ci.token(job))
        listener.stop()
        thread.join(20)
        intake.stop()
        assert not github.errors
    database.engine.dispose()


def test_the_description_says_everything_once() -> None:
    """YAML's loaders take the last of two equal keys and say nothing."""
    tree, problems = read_yaml("openapi.yaml", DESCRIPTION.read_bytes())
    assert tree is not None
    assert problems == []


CHECKED = [
    checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_headers_conformance,
    described.response_schema_conformance,
]


def modes(label: str) -> list[GenerationMode]:
    """In what ways an operation can be asked: of one that takes nothing, nothing can be wrong."""
    operation = operation_of(label)
    takes = bool(list(operation.iter_parameters())) or bool(operation.body)
    return list(GenerationMode) if takes else [GenerationMode.POSITIVE]


def operation_of(label: str) -> APIOperation:
    method, path = label.split(" ", 1)
    return SCHEMA[path][method]


@pytest.mark.parametrize(("label", "mode"), [(label, mode) for label in OPERATIONS for mode in modes(label)])
def test_every_answer_is_one_of_the_description(label: str, mode: GenerationMode, asked: Asked) -> None:
    @given(case=operation_of(label).as_strategy(generation_mode=mode), whose=st.sampled_from(Whose))
    @settings(
        max_examples=examples(12), deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    def ask(case: Case, whose: Whose) -> None:
        request = ready(case, whose, asked)
        before = asked.kept()
        response = asked.session.send(request, timeout=30)
        case.validate_response(response, checks=CHECKED)
        if response.status_code < 400 and not label.endswith("beat"):
            asked.unspent = None
        if response.status_code >= 400:
            assert asked.kept() == before, "what is refused leaves nothing behind"
        if whose is Whose.OWN:
            wrong = stays_wrong(case) and not begins_a_log(label, request)
            assert (response.status_code >= 400) is wrong, response.text
        elif whose is Whose.ANOTHERS and "{attempt}" in label:
            assert response.status_code >= 400, "the token of another attempt"

    ask()


def stays_wrong(case: Case) -> bool:
    """Whether a request goes against the description even with an attempt and a token of its own.

    Webhooks are stored whatever they hold, logs are any bytes, and outputs may have names of any script.
    """
    assert case.meta is not None
    spoiled = {place for place, one in case.meta.components.items() if one.mode is GenerationMode.NEGATIVE}
    any_bytes = case.operation.path == "/webhook" or case.operation.path.endswith("/log")
    return bool(spoiled & ({Place.QUERY} if any_bytes else {Place.QUERY, Place.BODY}))


def begins_a_log(label: str, request: requests.PreparedRequest) -> bool:
    """Whether a log is sent from its beginning: other parameters than those that are described are not looked at."""
    (offset, *_) = parse_qs(urlsplit(str(request.url)).query).get("offset", [""])
    return label.endswith("/log") and offset.isascii() and offset.isdecimal() and int(offset) == 0


def ready(case: Case, whose: Whose, asked: Asked) -> requests.PreparedRequest:
    """The request as it goes out, with whose attempt and token it names."""
    own: dict[str, str] = {}
    path = case.operation.path
    if whose is not Whose.GENERATED:
        if "{attempt}" in path:
            case.path_parameters["attempt"], token = asked.claimed()
            own = bearer(token if whose is Whose.OWN else asked.another())
        elif path.endswith("/claim"):
            own = bearer(asked.identity)
        elif "{sha256}" in path:
            case.path_parameters["sha256"] = asked.host.zipapp.digest
        name_own(case, asked)
    request = requests.Request(**case.as_transport_kwargs(base_url=asked.url)).prepare()
    if whose is Whose.OWN and path == "/webhook":
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        own = webhook_headers(body)
    request.headers.update(own)
    return request


def name_own(case: Case, asked: Asked) -> None:
    """Where a request is right but for whose attempt it names, let it name its own."""
    assert case.meta is not None
    right = not stays_wrong(case)
    if right and isinstance(case.body, dict):
        case.body = json.loads(json.dumps(case.body), parse_float=whole)
        if case.operation.path.endswith("/claim"):
            offered = asked.offered()
            case.body |= {"attempt": offered.attempt, "key": offered.key}
        elif case.operation.path.endswith("/report"):
            case.body["attempt"] = case.path_parameters["attempt"]
    if right and case.operation.path.endswith("/log"):
        case.query["offset"] = 0


def whole(text: str) -> float | int:
    """JSON Schema takes 2.0 for an integer; no runner writes one like that."""
    found = float(text)
    return int(found) if found.is_integer() else found
