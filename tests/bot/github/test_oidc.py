"""Whether a job's identity token is genuine: forged in each part, with rotating keys and an issuer that fails."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug.wrappers import Request, Response

from bot.github import oidc
from bot.github.errors import NotGenuine, Unreachable
from bot.github.oidc import Verifier
from bot.github.repository_client import RepositoryClient
from tests.github import GitHub
from tests.github.actions.runs import Job
from tests.github.world.repository import Repository

AUDIENCE = "https://headwater.example"
DOCUMENTS = "/_services/token/.well-known/"
Make = Callable[..., str]


@pytest.fixture
def job(github: GitHub, shop: Repository, client: RepositoryClient) -> Job:
    number = client.dispatch("headwater.yml", "main", {"dispatch": '{"key": "k"}'})
    github.settle(120)
    return shop.runs[number or 0].jobs[0]


@pytest.fixture
def make(github: GitHub, shop: Repository, job: Job) -> Make:
    def made(audience: str = AUDIENCE, **other: Any) -> str:
        return github.actions.issuer.token(shop, job, audience, **other)

    return made


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def reads(github: GitHub) -> list[str]:
    """The documents that were asked for."""
    found: list[str] = []
    answer = github.places[DOCUMENTS]

    def counted(request: Request) -> Response:
        found.append(request.path.rsplit("/", 1)[1])
        return answer(request)

    github.places[DOCUMENTS] = counted
    return found


@pytest.fixture
def verifier(github: GitHub, reads: list[str], clock: Time) -> Verifier:
    return Verifier(github.actions.issuer.url, AUDIENCE, timeout=60, clock=clock)


def test_a_genuine_token(shop: Repository, job: Job, verifier: Verifier, make: Make, reads: list[str]) -> None:
    claims = verifier.verify(make())
    assert claims["repository_id"] == str(shop.id)
    assert claims["environment"] == "headwater-deploy"
    assert claims["check_run_id"] == str(job.id)
    assert claims["sub"] == "repo:acme/shop:environment:headwater-deploy"
    for _ in range(20):
        verifier.verify(make())
    assert reads == ["openid-configuration", "jwks"]


@pytest.mark.parametrize(("claims", "words"), [
    ({"aud": "https://other.example"}, "not made for"), ({"aud": [AUDIENCE, "https://other.example"]}, "not made for"),
    ({"aud": [AUDIENCE]}, "not made for"), ({"aud": None}, "lacks the claim `aud`"),
    ({"iss": "https://evil.example"}, "not issued by"), ({"iss": None}, "lacks the claim `iss`"),
    ({"exp": 1}, "expired"), ({"exp": None}, "lacks the claim `exp`"), ({"exp": "soon"}, "malformed"),
    ({"nbf": int(time.time()) + 900}, "not valid yet"), ({"nbf": None}, "lacks the claim `nbf`"),
    ({"iat": int(time.time()) + 900}, "not valid yet"), ({"iat": None}, "lacks the claim `iat`"),
    ({"sub": None}, "lacks the claim `sub`"), ({"sub": 7}, "malformed"),
])  # fmt: skip
def test_each_claim_that_is_wrong(verifier: Verifier, make: Make, claims: dict[str, Any], words: str) -> None:
    with pytest.raises(NotGenuine, match=words) as told:
        verifier.verify(make(**claims))
    assert "HEADWATER_OIDC_ISSUER" in told.value.mend


def test_a_clock_may_be_a_minute_wrong(verifier: Verifier, make: Make) -> None:
    verifier.verify(make(exp=int(time.time()) - 30))
    verifier.verify(make(nbf=int(time.time()) + 30, iat=int(time.time()) + 30))


def unsigned(head: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(head).encode(), json.dumps(body).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_forged_signatures(github: GitHub, verifier: Verifier, make: Make) -> None:
    genuine = make()
    claims = jwt.decode(genuine, options={"verify_signature": False})
    issuer, other = github.actions.issuer, rsa.generate_private_key(65537, 2048)
    kid = next(iter(issuer.keys))
    public = issuer.keys[kid].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    body, signature = genuine.rsplit(".", 1)
    head = {"alg": "HS256", "kid": kid}
    shared = jwt.api_jws.PyJWS().encode(b"{}", b"x" * 64, "HS256", {"kid": kid})
    forged = {
        "its signature is wrong": [
            jwt.encode(claims, other, "RS256", {"kid": kid}),
            f"{body}.{signature[:-8]}AAAAAAAA",
            f"{body}.",
            make().rsplit(".", 2)[0] + "." + unsigned({}, {**claims, "repository_id": "1"}).split(".")[1] + "." + signature,
        ],
        "it is not signed by RS256": [
            unsigned({"alg": "none", "kid": kid}, claims),
            unsigned({"alg": "None", "kid": kid}, claims),
            unsigned({"alg": "HS256", "kid": kid}, claims, pem),
            jwt.encode(claims, other, "RS512", {"kid": kid}),
            jwt.encode(claims, other, "PS256", {"kid": kid}),
            unsigned(head, claims, shared.encode()),
            unsigned({"kid": kid}, claims),
        ],
        "a key that its issuer does not have": [jwt.encode(claims, other, "RS256", {"kid": "mine"})],
        "it names no key": [
            jwt.encode(claims, other, "RS256"),
            jwt.encode(claims, other, "RS256", {"jwk": json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(other.public_key()))}),
        ],
        "it is malformed": ["", "x", "a.b", "a.b.c", "..", genuine[:40], genuine + ".x", "\x00", "é.é.é"],
        "it is too long": [genuine + "A" * 20_000],
    }  # fmt: skip
    for words, tokens in forged.items():
        for token in tokens:
            with pytest.raises(NotGenuine, match=words):
                verifier.verify(token)
    assert verifier.verify(genuine)["iss"] == issuer.url


def test_keys_rotate_and_old_ones_are_dropped(
    github: GitHub, verifier: Verifier, make: Make, reads: list[str], clock: Time
) -> None:
    old = make()
    verifier.verify(old)
    github.actions.issuer.rotate()
    verifier.verify(make())  # a new key is looked for at once
    assert len(reads) == 4
    verifier.verify(old)
    github.actions.issuer.forget()
    clock.now += oidc.KEYS_SECONDS + 1
    verifier.verify(make())
    with pytest.raises(NotGenuine, match="does not have"):
        verifier.verify(old)


def test_made_up_keys_do_not_make_it_ask_without_end(
    github: GitHub, verifier: Verifier, make: Make, reads: list[str], clock: Time
) -> None:
    other = rsa.generate_private_key(65537, 2048)
    claims = jwt.decode(make(), options={"verify_signature": False})
    outcomes = []
    for number in range(30):
        with pytest.raises((NotGenuine, Unreachable)) as told:
            verifier.verify(jwt.encode(claims, other, "RS256", {"kid": str(number)}))
        outcomes.append(told.type)
    assert reads.count("jwks") == oidc.MOST_REFRESHES
    assert outcomes[: oidc.MOST_REFRESHES] == [NotGenuine] * oidc.MOST_REFRESHES
    assert set(outcomes[oidc.MOST_REFRESHES :]) == {Unreachable}  # a genuine new key may be meant: ask again later
    verifier.verify(make())  # what is known goes on
    github.actions.issuer.rotate()
    with pytest.raises(Unreachable) as later:
        verifier.verify(make())
    assert later.value.wait is not None
    clock.now += later.value.wait + 1
    verifier.verify(make())


def test_an_issuer_that_fails(github: GitHub, verifier: Verifier, make: Make, reads: list[str], clock: Time) -> None:
    token = make()
    github.faults.error(DOCUMENTS, 503, times=None)
    with pytest.raises(Unreachable, match="it answers 503"):
        verifier.verify(token)
    github.faults.mend()
    clock.now += 31
    verifier.verify(token)
    github.faults.cut(DOCUMENTS, times=None)
    clock.now += oidc.KEYS_SECONDS + 1
    verifier.verify(token)  # an hour goes by what is known
    with pytest.raises(Unreachable):
        verifier.verify(jwt.encode({}, rsa.generate_private_key(65537, 2048), "RS256", {"kid": "new"}))
    clock.now += oidc.STALE_SECONDS
    with pytest.raises(Unreachable, match="the connection was cut"):
        verifier.verify(token)


def test_an_issuer_that_drips_or_floods(github: GitHub, make: Make, clock: Time) -> None:
    token, url = make(), github.actions.issuer.url
    github.faults.drip(DOCUMENTS, seconds=60)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="it took too long"):
        Verifier(url, AUDIENCE, timeout=1).verify(token)
    assert time.monotonic() - began < 30
    github.places[DOCUMENTS] = lambda _: Response(b"[" * 1_000_000, content_type="application/json")
    with pytest.raises(Unreachable, match="the answer is too long"):
        Verifier(url, AUDIENCE).verify(token)


@pytest.mark.parametrize(("configuration", "words"), [
    ({"jwks_uri": "https://evil.example/jwks"}, "another host"), ({"jwks_uri": "http://127.0.0.1:1/jwks"}, "another host"),
    ({"jwks_uri": None}, "another issuer"), ({"issuer": "https://evil.example"}, "another issuer"),
    ({"keys": []}, "no key that can be used"), ({"keys": "x"}, "no key that can be used"),
    ({"keys": [1, {"kid": 1}, {"kid": "a", "kty": "oct", "k": "c2VjcmV0"}, {"kid": "b", "kty": "RSA"}]}, "no key that can"),
])  # fmt: skip
def test_an_issuer_whose_documents_are_wrong(
    github: GitHub, verifier: Verifier, make: Make, configuration: dict[str, Any], words: str
) -> None:
    url = github.actions.issuer.url
    told = {"issuer": url, "jwks_uri": f"{url}/.well-known/jwks", **configuration}
    github.places[DOCUMENTS] = lambda _: Response(json.dumps(told), content_type="application/json")
    with pytest.raises(Unreachable, match=words):
        verifier.verify(make())


def test_weak_and_foreign_keys_are_left_out(github: GitHub, verifier: Verifier, make: Make) -> None:
    issuer, weak = github.actions.issuer, rsa.generate_private_key(65537, 1024)
    claims = jwt.decode(make(), options={"verify_signature": False})
    issuer.keys["weak"] = weak
    with pytest.raises(NotGenuine, match="does not have"):
        verifier.verify(jwt.encode(claims, weak, "RS256", {"kid": "weak"}))
    del issuer.keys["weak"]
    verifier.verify(make())


def test_redirects_are_not_followed(github: GitHub, verifier: Verifier, make: Make) -> None:
    genuine = github.places[DOCUMENTS]
    elsewhere: list[str] = []

    def other(request: Request) -> Response:
        elsewhere.append(request.path)
        return genuine(request)

    github.places["/elsewhere/"] = other
    github.places[DOCUMENTS] = lambda request: Response("", 302, {"Location": f"{github.url}/elsewhere/x"})
    with pytest.raises(Unreachable, match="it answers 302"):
        verifier.verify(make())
    assert elsewhere == []


def test_threads_share_it(verifier: Verifier, make: Make, reads: list[str]) -> None:
    token, good = make(), []
    threads = [threading.Thread(target=lambda: good.append(verifier.verify(token))) for _ in range(16)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (len(good), reads) == (16, ["openid-configuration", "jwks"])
