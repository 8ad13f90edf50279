"""Whether a job is the one that it should be, by the claims of its identity token; its signature was checked before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

LEEWAY_SECONDS = 60.0  # how far our clock and the issuer's may differ
_LONGEST_SHOWN = 100
_END_OF_TIME = 10**18
_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


class Mismatch(StrEnum):
    """What about a token is not as it must be. Every one is described in docs/requirements.md."""

    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REPOSITORY = "repository"
    ENVIRONMENT = "environment"
    WORKFLOW = "workflow"
    JOB_WORKFLOW = "job-workflow"
    REF = "ref"
    EVENT = "event"
    RUN = "run"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Expected:
    """The job that an attempt was given to.

    `workflow_file`: its path in the repository. `run_id` and `check_run_id`: None until they are known, which is at
    the first claim at the latest.
    """

    issuer: str
    audience: str
    repository_id: int
    repository: str
    default_branch: str
    workflow_file: str
    environment: str
    run_id: int | None = None
    check_run_id: int | None = None

    @property
    def ref(self) -> str:
        """The default branch as git writes it."""
        return f"refs/heads/{self.default_branch}"


@dataclass(frozen=True, slots=True)
class Refused:
    """One thing about a token that is not as it must be, told to people."""

    code: Mismatch
    message: str


def accept(claims: Mapping[str, object], expected: Expected, now: float) -> tuple[Refused, ...]:
    """All that is wrong with a token's claims, in a fixed order; nothing means that it is the job's.

    `now` is in seconds since the epoch. A claim that is missing refuses, except `check_run_id`, which not every issuer
    gives (GitHub.com since 2025-11). The repository is known by its id: its name may be a new one.
    """
    return (
        *_issuer(claims, expected),
        *_time(claims, now),
        *_place(claims, expected),
        *_workflow(claims, expected),
        *_job(claims, expected),
    )


def _issuer(claims: Mapping[str, object], expected: Expected) -> Iterator[Refused]:
    yield from _equal(Mismatch.ISSUER, "iss", claims, expected.issuer)
    audience = claims.get("aud")
    only = audience[0] if isinstance(audience, list) and len(audience) == 1 else audience  # it may be a list of one
    yield from _equal(Mismatch.AUDIENCE, "aud", {"aud": only}, expected.audience)


def _time(claims: Mapping[str, object], now: float) -> Iterator[Refused]:
    end = _moment(claims.get("exp"))
    if end is None or not now < end + LEEWAY_SECONDS:
        yield Refused(Mismatch.EXPIRED, _said("exp", claims.get("exp"), f"later than {now:.0f}"))
    for name in ("nbf", "iat"):
        start = _moment(claims.get(name))
        if start is None or not start - LEEWAY_SECONDS <= now:
            yield Refused(Mismatch.NOT_YET_VALID, _said(name, claims.get(name), f"no later than {now:.0f}"))


def _place(claims: Mapping[str, object], expected: Expected) -> Iterator[Refused]:
    yield from _same_number(Mismatch.REPOSITORY, "repository_id", claims, expected.repository_id)
    environment = claims.get("environment")
    # GitHub tells names of environments apart without regard to case.
    if not isinstance(environment, str) or environment.casefold() != expected.environment.casefold():
        yield Refused(Mismatch.ENVIRONMENT, _said("environment", environment, repr(expected.environment)))


def _workflow(claims: Mapping[str, object], expected: Expected) -> Iterator[Refused]:
    """The workflow file of the default branch, and itself: not one that it calls, nor one of another branch.

    Its address begins with the name that the repository has now, which the token tells beside its id.
    """
    name = claims.get("repository")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield Refused(Mismatch.REPOSITORY, _said("repository", name, f"a name such as {expected.repository!r}"))
        name = expected.repository
    file = f"{name}/{expected.workflow_file}@{expected.ref}"
    yield from _equal(Mismatch.WORKFLOW, "workflow_ref", claims, file)
    yield from _equal(Mismatch.JOB_WORKFLOW, "job_workflow_ref", claims, file)
    yield from _equal(Mismatch.REF, "ref", claims, expected.ref)
    yield from _equal(Mismatch.EVENT, "event_name", claims, "workflow_dispatch")


def _job(claims: Mapping[str, object], expected: Expected) -> Iterator[Refused]:
    yield from _same_number(Mismatch.RUN, "run_id", claims, expected.run_id)
    if "check_run_id" in claims:
        yield from _same_number(Mismatch.JOB, "check_run_id", claims, expected.check_run_id)


def _equal(code: Mismatch, name: str, claims: Mapping[str, object], wanted: str) -> Iterator[Refused]:
    found = claims.get(name)
    if not isinstance(found, str) or found != wanted:
        yield Refused(code, _said(name, found, repr(wanted)))


def _same_number(code: Mismatch, name: str, claims: Mapping[str, object], wanted: int | None) -> Iterator[Refused]:
    """Numbers come as text from GitHub. `wanted` None: any number will do."""
    found = number_in(claims, name)
    if found is None or wanted not in (None, found):
        yield Refused(code, _said(name, claims.get(name), "a number" if wanted is None else str(wanted)))


def number_in(claims: Mapping[str, object], name: str) -> int | None:
    """A number that a token claims; None if it claims none."""
    found = claims.get(name)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 20:
        return int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < _END_OF_TIME else None


def _moment(value: object) -> float | None:
    """Seconds since the epoch; None for what is no time."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _END_OF_TIME else None  # NaN and infinity are no times either


def _said(name: str, found: object, wanted: str) -> str:
    if found is None:
        return f"the token does not claim {name}, which must be {wanted}"
    plain = isinstance(found, str) or (isinstance(found, int | float) and abs(found) < _END_OF_TIME)
    shown = repr(found)[:_LONGEST_SHOWN] if plain else f"of the type {type(found).__name__}"
    return f"the token claims {name} {shown}, which must be {wanted}"
