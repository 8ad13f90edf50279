"""A job's identity: the token that GitHub gives it is accepted, and with any of its claims forged it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.decide.identity_token import Expected, Mismatch, accept, number_in
from tests.github import GitHub

NOW = 1_800_000_000.0
FILE = ".github/workflows/headwater.yml"
EXPECTED = Expected(
    issuer="https://token.actions.githubusercontent.com",
    audience="headwater",
    repository_id=42,
    repository="acme/shop",
    default_branch="main",
    workflow_file=FILE,
    environment="headwater-deploy",
    run_id=7001,
    check_run_id=9001,
)
CLAIMS: dict[str, Any] = {
    "iss": EXPECTED.issuer,
    "aud": "headwater",
    "exp": NOW + 300,
    "nbf": NOW - 60,
    "iat": NOW,
    "sub": "repo:acme/shop:environment:headwater-deploy",
    "repository": "acme/shop",
    "repository_id": "42",
    "environment": "headwater-deploy",
    "workflow_ref": f"acme/shop/{FILE}@refs/heads/main",
    "job_workflow_ref": f"acme/shop/{FILE}@refs/heads/main",
    "ref": "refs/heads/main",
    "event_name": "workflow_dispatch",
    "run_id": "7001",
    "check_run_id": "9001",
}


def wrong(claims: dict[str, Any], expected: Expected = EXPECTED, now: float = NOW) -> list[Mismatch]:
    return [one.code for one in accept(claims, expected, now)]


def test_the_job_itself_is_accepted() -> None:
    assert accept(CLAIMS, EXPECTED, NOW) == ()


FORGED: list[tuple[str, Any, Mismatch]] = [
    ("iss", "https://token.actions.githubusercontent.com.evil.example", Mismatch.ISSUER),
    ("iss", EXPECTED.issuer + "/", Mismatch.ISSUER),
    ("aud", "https://github.com/acme", Mismatch.AUDIENCE),
    ("aud", ["headwater", "other"], Mismatch.AUDIENCE),
    ("aud", [], Mismatch.AUDIENCE),
    ("exp", NOW - 60, Mismatch.EXPIRED),
    ("exp", str(int(NOW + 300)), Mismatch.EXPIRED),
    ("exp", True, Mismatch.EXPIRED),
    ("exp", float("nan"), Mismatch.EXPIRED),
    ("exp", float("inf"), Mismatch.EXPIRED),
    ("exp", 10**400, Mismatch.EXPIRED),
    ("nbf", NOW + 61, Mismatch.NOT_YET_VALID),
    ("nbf", float("nan"), Mismatch.NOT_YET_VALID),
    ("iat", NOW + 61, Mismatch.NOT_YET_VALID),
    ("repository_id", "43", Mismatch.REPOSITORY),
    ("repository_id", "0x2a", Mismatch.REPOSITORY),
    ("repository_id", "٤٢", Mismatch.REPOSITORY),
    ("repository_id", True, Mismatch.REPOSITORY),
    ("repository", "acme", Mismatch.REPOSITORY),
    ("repository", f"acme/shop/{FILE}@refs/heads/main", Mismatch.REPOSITORY),
    ("environment", "headwater-plan", Mismatch.ENVIRONMENT),
    ("environment", "headwater-deploy ", Mismatch.ENVIRONMENT),
    ("workflow_ref", f"acme/shop/{FILE}@refs/heads/feature", Mismatch.WORKFLOW),
    ("workflow_ref", f"acme/shop/{FILE}@refs/tags/main", Mismatch.WORKFLOW),
    ("workflow_ref", "acme/shop/.github/workflows/other.yml@refs/heads/main", Mismatch.WORKFLOW),
    ("workflow_ref", f"evil/shop/{FILE}@refs/heads/main", Mismatch.WORKFLOW),
    ("job_workflow_ref", f"acme/shop/{FILE}@refs/heads/feature", Mismatch.JOB_WORKFLOW),
    ("job_workflow_ref", f"acme/shared/{FILE}@refs/heads/main", Mismatch.JOB_WORKFLOW),
    ("ref", "refs/heads/feature", Mismatch.REF),
    ("ref", "refs/pull/12/merge", Mismatch.REF),
    ("ref", "main", Mismatch.REF),
    ("event_name", "pull_request", Mismatch.EVENT),
    ("event_name", "push", Mismatch.EVENT),
    ("run_id", "7002", Mismatch.RUN),
    ("run_id", "", Mismatch.RUN),
    ("check_run_id", "9002", Mismatch.JOB),
    ("check_run_id", None, Mismatch.JOB),
]
MISSING: dict[str, Mismatch] = {
    "iss": Mismatch.ISSUER,
    "aud": Mismatch.AUDIENCE,
    "exp": Mismatch.EXPIRED,
    "nbf": Mismatch.NOT_YET_VALID,
    "iat": Mismatch.NOT_YET_VALID,
    "repository_id": Mismatch.REPOSITORY,
    "repository": Mismatch.REPOSITORY,
    "environment": Mismatch.ENVIRONMENT,
    "workflow_ref": Mismatch.WORKFLOW,
    "job_workflow_ref": Mismatch.JOB_WORKFLOW,
    "ref": Mismatch.REF,
    "event_name": Mismatch.EVENT,
    "run_id": Mismatch.RUN,
}


@pytest.mark.parametrize(("name", "value", "code"), FORGED)
def test_a_forged_claim_refuses(name: str, value: Any, code: Mismatch) -> None:
    assert wrong({**CLAIMS, name: value}) == [code]


@pytest.mark.parametrize(("name", "code"), MISSING.items())
def test_a_missing_claim_refuses(name: str, code: Mismatch) -> None:
    refused = accept({key: value for key, value in CLAIMS.items() if key != name}, EXPECTED, NOW)
    assert [one.code for one in refused] == [code]
    assert f"does not claim {name}," in refused[0].message


def test_every_claim_and_every_code_is_forged_here() -> None:
    assert set(MISSING) | {"check_run_id", "sub"} == set(CLAIMS)
    assert {name for name, *_ in FORGED} | {"sub"} == set(CLAIMS)
    assert {code for *_, code in FORGED} == set(Mismatch)


@pytest.mark.parametrize(
    ("changes", "expected", "now"),
    [
        ({"exp": NOW - 59}, EXPECTED, NOW),
        ({"nbf": NOW + 60, "iat": NOW + 60}, EXPECTED, NOW),
        ({"aud": ["headwater"]}, EXPECTED, NOW),
        ({"repository_id": 42, "run_id": 7001, "check_run_id": 9001}, EXPECTED, NOW),
        ({"environment": "Headwater-Deploy"}, EXPECTED, NOW),  # GitHub does not tell them apart either
        ({"run_id": "1", "check_run_id": "2"}, replace(EXPECTED, run_id=None, check_run_id=None), NOW),
    ],
)
def test_what_is_accepted_too(changes: dict[str, Any], expected: Expected, now: float) -> None:
    assert accept({**CLAIMS, **changes}, expected, now) == ()


def test_an_issuer_that_does_not_name_the_job() -> None:
    older = {name: value for name, value in CLAIMS.items() if name != "check_run_id"}
    assert accept(older, EXPECTED, NOW) == ()


def test_a_renamed_repository_is_known_by_its_id() -> None:
    renamed = {
        name: value.replace("acme/shop", "acme/store") if isinstance(value, str) else value
        for name, value in CLAIMS.items()
    }
    assert accept(renamed, EXPECTED, NOW) == ()
    assert wrong({**renamed, "repository_id": "43"}) == [Mismatch.REPOSITORY]


def test_all_that_is_wrong_is_told_and_shortly() -> None:
    refused = accept({"iss": "x" * 5000, "aud": {"a": 1}}, EXPECTED, NOW)
    assert {one.code for one in refused} == set(Mismatch) - {Mismatch.JOB}
    assert all(len(one.message) < 400 for one in refused)
    assert "the token does not claim environment, which must be 'headwater-deploy'" in [one.message for one in refused]
    assert "of the type dict" in refused[1].message


def test_numbers_that_a_token_claims() -> None:
    found = [number_in({"run_id": one}, "run_id") for one in ("7", 7, "-7", -7, "7.0", 7.0, "9" * 20, 10**18, None)]
    assert found == [7, 7, None, None, None, None, None, None, None]


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.text(), max_size=2)


@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), VALUES | st.sampled_from(list(map(str, CLAIMS.values())))))
def test_no_other_claims_are_accepted(changes: dict[str, Any]) -> None:
    kept = {name: value for name, value in changes.items() if name != "sub" and value != CLAIMS[name]}
    refused = accept({**CLAIMS, **kept}, replace(EXPECTED, environment="E"), NOW)
    assert refused  # the environment at least
    if not {"exp", "nbf", "iat"} & set(kept) and kept:
        assert accept({**CLAIMS, **kept}, EXPECTED, NOW) or _same(kept)


def _same(kept: dict[str, Any]) -> bool:
    """Whether claims are written otherwise, but say the same."""
    numbers = all(number_in(kept, name) == number_in(CLAIMS, name) for name in kept if name.endswith("_id"))
    return numbers and all(name.endswith("_id") or kept[name] == [CLAIMS[name]] for name in kept)


# ---- the token of a real job


@pytest.fixture(scope="module")
def job() -> Iterator[tuple[dict[str, Any], Expected]]:
    file = "on: workflow_dispatch\njobs: {deploy: {runs-on: ubuntu-latest, environment: headwater-deploy, steps: [{run: 'true'}]}}\n"
    with GitHub() as github:
        github.world.organization("acme", ["owner"])
        shop = github.repository("acme/shop", {FILE: file}, write=["ada"])
        token = github.world.personal_token("ada")
        import requests  # noqa: PLC0415

        path = f"{github.api_url}/repos/acme/shop/actions/workflows/headwater.yml/dispatches"
        headers = {"Authorization": f"Bearer {token}"}
        assert requests.post(path, json={"ref": "main"}, headers=headers, timeout=10).status_code == 204
        github.settle()
        run = next(iter(shop.runs.values()))
        text = github.actions.issuer.token(shop, run.jobs[0], "headwater")
        claims = jwt.decode(text, options={"verify_signature": False})
        expected = Expected(
            github.actions.issuer.url, "headwater", shop.id, "acme/shop", "main", FILE, "headwater-deploy",
            run.id, run.jobs[0].id,
        )  # fmt: skip
        assert not github.errors
        yield claims, expected


def test_a_job_of_github_actions_is_accepted(job: tuple[dict[str, Any], Expected]) -> None:
    claims, expected = job
    assert accept(claims, expected, claims["iat"] + 1) == ()
    assert accept(claims, expected, claims["exp"] + 61)


@pytest.mark.parametrize("name", MISSING)
def test_each_of_its_claims_forged_is_not(job: tuple[dict[str, Any], Expected], name: str) -> None:
    claims, expected = job
    value = claims["iat"] + 1000 if name in ("nbf", "iat") else 1 if name == "exp" else f"{claims[name]}1"
    assert accept({**claims, name: value}, expected, claims["iat"] + 1)
