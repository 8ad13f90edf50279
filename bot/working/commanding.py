"""Carrying out the commands of a pull request, in the order in which they were written."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bot.commands import VERBS
from bot.commands.case import Case, Outcome
from bot.commands.kept import from_json
from bot.decide.gates import Refusal, gates
from bot.errors import HeadwaterError, StoreError
from bot.github.errors import GitHubError, NotFound
from bot.hosting.project import HostedProject
from bot.server import Server
from bot.store import conversation, publications
from bot.store.conversation import CommandRow, CommandState
from bot.store.publications import Kind
from bot.submit import LockedElsewhere
from bot.working.gathering import actor, asked, pull_facts
from bot.working.places import hosted_of
from bot.working.pulling import fetch, keep_told
from bot.working.voiding import void_former
from planner.problems import PlannerError


def carry_out(server: Server, key: str) -> None:
    """Carry out what was written on a pull request and is not done yet."""
    github_id, _, number = key.partition(":")
    hosted = hosted_of(server, int(github_id))
    if hosted is None:
        return
    with server.database.reading() as connection:
        rows = conversation.commands_of(
            connection, hosted.id, int(number), [*conversation.UNFINISHED, CommandState.GOING]
        )
    if not rows:
        return
    project = server.project(hosted)
    waiting: set[int] = set()  # comments of which a line waits: those after it wait too
    greeted: set[int] = set()
    for row in rows:
        if row.comment in waiting:
            continue
        if row.state is CommandState.NEW and row.comment not in greeted:
            greeted.add(row.comment)
            _greet(server, project, row)
        if _one(server, project, row) is CommandState.WAITS:
            waiting.add(row.comment)
    server.wake()


def _greet(server: Server, project: HostedProject, row: CommandRow) -> None:
    """Tell by a reaction that a comment was seen; one that is gone needs none."""
    try:
        server.client(project.hosted).react(row.comment, "eyes")
    except NotFound:
        return


def _one(server: Server, project: HostedProject, row: CommandRow) -> CommandState:
    if not row.verb:
        return _write(server, row, Outcome(CommandState.REFUSED))
    client = server.client(project.hosted)
    told = client.pull(row.number)
    fetch(project, told)
    pull = keep_told(server, project, told)
    void_former(server, pull)
    command = from_json(row.verb, row.line, row.command)
    case = Case(server, project, pull, told, row, command)
    if row.state is CommandState.GOING:
        return _write(server, row, VERBS[row.verb].follow(case))
    definitions = project.default_definitions()
    who = actor(client, row.actor, definitions.permissions)
    facts = pull_facts(case, definitions.requirements, client)
    refusals = gates(asked(case, who), facts, definitions.permissions, definitions.requirements)
    if refusals:
        return _refuse(server, row, refusals)
    try:
        outcome = VERBS[row.verb].act(case)
    except LockedElsewhere as error:
        outcome = Outcome(CommandState.WAITS, waits=f"for {error.what}")
    except (StoreError, GitHubError):
        raise  # not the command's fault: tried again
    except (HeadwaterError, PlannerError) as error:
        outcome = Outcome(CommandState.REFUSED, said=_lines(error))
    return _write(server, row, outcome)


def _lines(error: HeadwaterError | PlannerError) -> tuple[str, ...]:
    return tuple(line for line in str(error).splitlines() if line)


def _refuse(server: Server, row: CommandRow, refusals: Sequence[Refusal]) -> CommandState:
    answer: dict[str, object] = {
        "refusals": [[one.code.value, one.message, one.mend, list(one.names)] for one in refusals]
    }
    return _keep(server, row, CommandState.REFUSED, "", answer)


def _write(server: Server, row: CommandRow, outcome: Outcome) -> CommandState:
    answer = {**row.answer, "said": list(outcome.said)} if outcome.said or row.answer else {}
    if outcome.answer:
        answer["text"] = outcome.answer
    return _keep(server, row, outcome.state, outcome.waits, answer)


def _keep(server: Server, row: CommandRow, state: CommandState, waits: str, answer: dict[str, object]) -> CommandState:
    now = time.time()
    with server.database.writing() as connection:
        conversation.set_command(connection, row.id, state=state, waits=waits, answer=answer)
        current = conversation.command(connection, row.id)
        publications.want(
            connection,
            row.repository,
            Kind.COMMAND,
            str(row.id),
            now,
            number=row.number,
            deployments=current.deployments if current else (),
        )
    return state
