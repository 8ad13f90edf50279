"""What judges look at: what the world, the tools and the store have at the end of a run. Plain data, nothing alive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.soak.tools import Line, Span, spans

TAKEN_OUT = "taken out"
"""The kind of a deed of nobody: the environment that it names left the workflow file for a while, and was forgotten."""


@dataclass(frozen=True)
class Deed:
    """Something that somebody did: when (seconds since the epoch), and how things stood then."""

    at: float
    kind: str
    who: str
    pull: int  # GitHub's number; 0: none
    text: str  # a comment, or the commit that a merge or a direct push made
    head: str
    role: str
    after: int = 0  # so many lines of the tools' log
    read: str = ""  # all that the bot had ever shown there


@dataclass(frozen=True)
class Remark:
    """A comment on a pull request as it stands at the end."""

    id: int
    pull: int
    bot: bool
    who: str
    body: str
    at: float = 0.0
    reactions: Sequence[str] = ()  # of the bot


@dataclass(frozen=True)
class Check:
    """A check run of the bot."""

    name: str
    head: str
    status: str
    conclusion: str
    text: str = ""


@dataclass(frozen=True)
class Weather:
    """A fault, from its beginning to its end (seconds since the epoch), and how many lines the tools' log had then."""

    fault: int
    begun: float
    over: float
    after: int
    until: int


@dataclass(frozen=True)
class Job:
    """A job at GitHub: what became of it, and the states that GitHub told of its deployment, oldest first."""

    id: int
    attempt: str
    status: str
    conclusion: str
    environment: str = ""
    told: Sequence[str] = ()


@dataclass(frozen=True)
class Task:
    """One task, as the store has it."""

    id: int
    deployment: int
    environment: str
    action: str
    state: str
    code: str
    commit: str
    text: str = ""
    alias: str = ""  # where it was not the environment's name
    asks: bool = False  # it has to be approved, whatever its plan says
    shown: str = ""  # the digests of its plans: the one that was shown, the newest, the one that was approved
    newest: str = ""
    approved: str = ""
    begun: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True)
class Attempt:
    """One attempt, and the job that claimed it."""

    id: str
    task: int
    job: int | None
    result: str
    mutates: bool = False
    claimed: bool = False
    revoked: bool = False
    error: str = ""
    begun: float = 0.0
    ended: float = 0.0


@dataclass(frozen=True)
class Deployment:
    """One deployment."""

    id: int
    action: str
    state: str
    actor: str
    commit: str
    pull: int
    continuous: bool
    waits: bool  # for people alone
    created_at: float = 0.0
    withdrawn: str = ""
    allowed: object = None
    retry_of: int | None = None


@dataclass(frozen=True)
class Environment:
    """One environment, as the store has it."""

    name: str
    deployed: bool
    unfinished: bool
    commit: str
    last_task: int | None = None


@dataclass(frozen=True)
class Command:
    """One command, as the store has it."""

    id: int
    comment: int
    pull: int
    verb: str
    state: str
    waits: str = ""
    deployments: Sequence[int] = ()


@dataclass(frozen=True)
class Pull:
    """One pull request at GitHub: state is open, closed or merged."""

    number: int
    state: str
    author: str
    head: str


@dataclass(frozen=True)
class Records:
    """All of one run."""

    needs: Mapping[str, Sequence[str]]
    texts: Mapping[str, Mapping[str, str]]  # commit -> environment -> what it shall be
    log: Sequence[Line]
    attempts_of_jobs: Mapping[int, str]  # by GitHub: job -> attempt of its matrix
    deeds: Sequence[Deed] = ()
    weather: Sequence[Weather] = ()
    jobs: Sequence[Job] = ()
    main: Sequence[str] = ()  # commits of the default branch, oldest first
    remarks: Sequence[Remark] = ()
    checks: Sequence[Check] = ()
    pulls: Sequence[Pull] = ()
    webhooks: Mapping[str, str | None] = field(default_factory=dict)  # accepted: guid -> what became of it
    tasks: Sequence[Task] = ()
    attempts: Sequence[Attempt] = ()
    deployments: Sequence[Deployment] = ()
    environments: Sequence[Environment] = ()
    commands: Sequence[Command] = ()
    locks: Sequence[tuple[str, int]] = ()  # environment, pull request
    left: str = ""  # what still went on when all should have been calm
    state: Mapping[str, str] = field(default_factory=dict)  # environment -> what the tools left there
    final: Mapping[str, str] = field(default_factory=dict)  # what it should be, after the last deploy
    spoken: Mapping[str, str] = field(default_factory=dict)  # where -> all that was written there
    secrets: Mapping[str, str] = field(default_factory=dict)  # what of -> the secret
    approvals: int = 0
    asking: Sequence[str] = ()
    continuous: bool = False  # a merge deploys
    bases: Mapping[str, str] = field(default_factory=dict)  # commit -> where its branch began; main -> its first one
    heard: frozenset[int] = frozenset()  # comments whose webhook was accepted
    told: Mapping[int, Sequence[int]] = field(
        default_factory=dict
    )  # comment of the bot -> deployments that it is about


def changing(records: Records) -> list[Span]:
    """The deploys and destroys that were begun, in the order of their starts."""
    return [one for one in spans(records.log) if one.step in ("apply", "destroy")]
