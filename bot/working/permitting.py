"""Whether what a command asked for may still begin: who asked, and its reviews, are judged again under way."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from bot.commands.kept import from_json
from bot.decide.gates import UNKNOWN, WITH_POWER, lasting, uncertainty, withdrawal
from bot.decide.pull_facts import Asked, Verb
from bot.decide.refusals import Refusal
from bot.decide.transitions import DEPLOYMENT_FINISHED, DeploymentState
from bot.github.errors import GitHubError
from bot.hosting.project import HostedProject
from bot.server import Server
from bot.store import conversation, deployments, hosting, publications, work
from bot.store.clock import shared
from bot.store.conversation import CommandRow
from bot.store.deployments import Flags
from bot.store.hosting import HostedRepository, PullRow
from bot.store.publications import Kind
from bot.waking import Topic
from bot.working.gathering import actor, plain_facts, with_reviews
from bot.working.places import hosted_of

KIND = "permit"
_HICCUP_SECONDS = 5.0
"""What is known again by then is not told to have been unknown."""
_log = structlog.get_logger("headwater.permit")


def may_begin(server: Server, hosted: HostedRepository) -> Callable[[Connection, Flags], bool]:
    """Whether something of a deployment may begin now: it may while it was judged lately; else that is asked for."""

    def answer(connection: Connection, told: Flags) -> bool:
        now = time.time()
        if told.judged_at is None or 0 <= shared(connection, now) - told.judged_at <= server.settings.judge_seconds:
            return True
        key = f"{hosted.github_id}:{told.id}"
        if not work.is_asked(connection, KIND, key):
            work.request(connection, KIND, key, now, now)
        return False

    return answer


def judge(server: Server, key: str) -> float | None:
    """Judge a deployment again; seconds until it is to be judged once more, where it is not known what to think."""
    github_id, _, number = key.partition(":")
    hosted = hosted_of(server, int(github_id))
    with server.database.reading() as connection:
        told = deployments.flags(connection, int(number))
        if hosted is None or told is None or told.judged_at is None or told.withdrawn:
            return None
        row = _command_of(connection, told.id)
        pull = hosting.pull_by_id(connection, told.pull) if told.pull is not None else None
        reviewed = _takes_reviews(connection, told, pull)
    why = ""
    if row is not None and pull is not None and told.state not in DEPLOYMENT_FINISHED:
        try:
            asked, lacks = _judge(server, server.project(hosted), told, row, pull, reviewed=reviewed)
        except GitHubError as error:
            _not_sure(server, told.id, error.what)
            raise
        if lacks and all(one.code in UNKNOWN for one in lacks):
            why = uncertainty(lacks, asked)
            _log.warning("not known whether it may go on", deployment=told.id, why=why)
            _not_sure(server, told.id, why)
            return server.settings.judge_seconds
        why = withdrawal([one for one in lacks if one.code not in UNKNOWN], asked) if lacks else ""
    with server.database.writing() as connection:
        deployments.flags(connection, told.id, lock=True)
        if why:
            deployments.withdraw(connection, told.id, why, time.time())
        elif not deployments.judged(connection, told.id, told.judged_at, shared(connection, time.time())):
            return 0.0  # doubted again meanwhile
        if deployments.unsure(connection, told.id, ""):
            publications.refresh(connection, told.id, time.time())
    server.wake(Topic.DRIVE)
    return None


def _not_sure(server: Server, deployment: int, why: str) -> None:
    """Tell people that nothing more begins while that is not known."""
    with server.database.writing() as connection:
        deployments.flags(connection, deployment, lock=True)
        if deployments.unsure(connection, deployment, why):
            publications.refresh(connection, deployment, time.time() + _HICCUP_SECONDS)


def _judge(
    server: Server, project: HostedProject, told: Flags, row: CommandRow, pull: PullRow, *, reviewed: bool
) -> tuple[Asked, tuple[Refusal, ...]]:
    """What was asked for, and what it lacks by now."""
    default = f"refs/heads/{project.hosted.default_branch}"
    project.mirror.update({default: default})
    client, definitions = server.client(project.hosted), project.default_definitions()
    command = from_json(row.verb, row.line, row.command)
    values = bool(command.given or command.forget)
    asked = Asked(Verb(row.verb), actor(client, row.actor, definitions.permissions), force=command.force, values=values)
    facts = plain_facts(project, pull, told.commit)
    if reviewed:
        facts = with_reviews(facts, client, pull, definitions.requirements, begun=told.state is DeploymentState.RUNNING)
    return asked, lasting(asked, facts, definitions.permissions, definitions.requirements, reviewed=reviewed)


def _takes_reviews(connection: Connection, told: Flags, pull: PullRow | None) -> bool:
    """Whether it takes reviews: a deploy, destroy or adoption from a pull request that is not merged, and its retry."""
    first: Flags | None = told
    while first is not None and first.retry_of is not None:
        first = deployments.flags(connection, first.retry_of)
    row = _command_of(connection, first.id) if first is not None else None
    verb = Verb(row.verb) if row is not None else Verb.DEPLOY
    return pull is not None and pull.state != "merged" and not told.continuous and verb in WITH_POWER


def _command_of(connection: Connection, deployment: int) -> CommandRow | None:
    """The command that made a deployment."""
    shown = publications.showing(connection, deployment, [Kind.COMMAND])
    found = (conversation.command(connection, int(one.key)) for one in shown)
    return next((row for row in found if row is not None and deployment in row.deployments), None)
