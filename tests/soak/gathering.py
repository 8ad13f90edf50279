"""Gathers what judges look at: from GitHub's memory, the tools' log, and the store, read as it lies there."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, select, text

from bot.store import hosted_tables as hosted
from bot.store import tables
from bot.store.gathering import waits_for_people
from tests.soak import records, tools
from tests.soak.story import ALSO
from tests.soak.world import CANARY, KEY, OUTPUT_CANARY, SECRET, World


def records_of(world: World, left: str, final: Mapping[str, str] | None = None) -> records.Records:
    """All of a run as it stands now. `left`: what still goes on; `final`: what the last deploy wanted, once it was done."""
    log = world.tools / "log"
    lines = tools.read_log(log.read_text()) if log.exists() else []
    for line in lines:
        world.commits_text(line.commit)
    main = str(world.repository.git.run("rev-list", "--first-parent", "--reverse", "main")).split()
    for commit in main[1:]:
        world.commits_text(commit)
    names = world.scenario.needs
    files = {name: world.tools / f"state-{name}" for name in names}
    with world.github.world.lock:
        there = _at_github(world)
    with world.engine.connect() as connection:
        kept = _in_store(connection, world)
    accepted, outcomes = there.pop("accepted"), kept.pop("outcomes")
    return records.Records(
        needs=names, texts=dict(world.commits), log=lines, deeds=tuple(world.deeds), weather=tuple(world.weather), main=main, left=left,
        state={name: file.read_text().strip() for name, file in files.items() if file.exists()},
        final=dict(final or {}), approvals=world.scenario.approvals, asking=world.scenario.asking,
        continuous=world.scenario.deploy_on_merge, bases=dict(world.bases), secrets=_secrets(world),
        webhooks={guid: outcomes.get(guid) for guid in accepted}, **there, **kept,
    )  # fmt: skip


def _at_github(world: World) -> dict[str, Any]:
    bot, repository, github = world.app.bot, world.repository, world.github
    accepted = {one.guid for one in github.hooks.log if 200 <= one.status_code < 300}
    heard = frozenset(
        number for one in github.hooks.log if one.event == "issue_comment" and one.guid in accepted
        if (number := _comment_of(one.body)) is not None
    )  # fmt: skip
    remarks = [
        records.Remark(
            one.id, one.number, one.user is bot, one.user.login, one.body, one.created_at.timestamp(),
            [each.content for each in one.reactions if each.user is bot],
        )
        for one in sorted(repository.comments.values(), key=lambda one: one.id)
    ]  # fmt: skip
    suites = repository.check_suites
    ours = [one for one in repository.check_runs.values() if one.name.startswith("headwater")]
    ours = [one for one in ours if getattr(suites.get(one.suite, one.suite), "app", None) == world.app.id]
    return {
        "heard": heard,
        "remarks": remarks,
        "checks": [records.Check(one.name, one.head_sha, one.status, one.conclusion or "") for one in ours],
        "attempts_of_jobs": {
            job.id: str(job.matrix["attempt"])
            for run in repository.runs.values() for job in run.jobs if "attempt" in job.matrix
        },
        "jobs": [
            records.Job(
                job.id, str(job.matrix["attempt"]), job.status, job.conclusion or "", job.environment or "",
                [one.state for one in job.deployment.statuses] if job.deployment else (),
            )
            for run in repository.runs.values() for job in run.jobs if "attempt" in job.matrix
        ],
        "pulls": [
            records.Pull(one.number, "merged" if one.merged_at else one.state, one.user.login, one.head_sha)
            for one in repository.pulls.values()
        ],
        "accepted": accepted,
    }  # fmt: skip


def _comment_of(body: bytes) -> int | None:
    found = json.loads(body)
    return found["comment"]["id"] if found.get("action") == "created" else None


def _in_store(connection: Connection, world: World) -> dict[str, Any]:
    def rows(table: Any, *order: Any) -> list[Any]:
        return list(connection.execute(select(table).order_by(*(order or (table.c.id,)))))

    names = {one.id: one.alias.removesuffix(ALSO) for one in rows(tables.environments)}
    plans = {one.id: one.digest for one in rows(tables.plans)}
    numbers = {one.id: one.number for one in rows(hosted.pulls)}
    jobs = {one.attempt_id: one.job_id for one in rows(hosted.remote_attempts, hosted.remote_attempts.c.attempt_id)}
    told: dict[int, list[int]] = {}
    shown = rows(hosted.shows, hosted.shows.c.publication_id, hosted.shows.c.deployment_id)
    comments = {
        one.id: one.github_id for one in rows(hosted.publications) if one.kind in ("command", "story") and one.number
    }
    for one in shown:
        if comments.get(one.publication_id):
            told.setdefault(comments[one.publication_id], []).append(one.deployment_id)
    return {
        "outcomes": {one.guid: one.outcome for one in rows(hosted.deliveries)},
        "tasks": [
            records.Task(
                one.id, one.deployment_id, one.alias.removesuffix(ALSO), one.action, one.state, one.code, one.commit,
                alias=one.alias, asks=one.requires_approval, shown=plans.get(one.shown_plan_id, ""),
                newest=plans.get(one.plan_id, ""), approved=plans.get(one.approved_plan_id, ""),
                begun=one.started_at or 0.0, ended=one.finished_at or 0.0,
            )
            for one in rows(tables.tasks)
        ],
        "attempts": [
            records.Attempt(
                one.id, one.task_id, jobs.get(one.id), one.result or "", one.mutates, one.claimed, one.revoked, one.error,
                one.created_at, one.ended_at or 0.0,
            )
            for one in rows(tables.attempts)
        ],
        "deployments": [
            records.Deployment(
                one.id, one.action, one.state, one.actor, one.commit, numbers.get(one.pull_id, 0), one.continuous,
                one.state in ("queued", "running") and waits_for_people(connection, one.id), one.created_at,
                one.withdrawn, one.allowed, one.retry_of,
            )
            for one in rows(tables.deployments)
        ],
        "environments": [
            records.Environment(one.alias.removesuffix(ALSO), one.deployed, one.unfinished, one.commit or "", one.last_task_id)
            for one in rows(tables.environments) if not one.detached and (one.deployed or one.alias in world.scenario.needs)
        ],
        "commands": [
            records.Command(one.id, one.comment_id, one.number, one.verb, one.state, one.waits, tuple(one.deployments))
            for one in rows(hosted.commands)
        ],
        "locks": [
            (names[one.environment_id], numbers[one.pull_id])
            for one in rows(hosted.locks, hosted.locks.c.environment_id)
        ],
        "told": told,
        "spoken": {**_spoken(world), **_written(connection)},
    }  # fmt: skip


def _spoken(world: World) -> dict[str, str]:
    repository = world.repository
    printed = [line for line in world.printed if not line.startswith("::add-mask::")]
    return {
        "the log of a server": world.processes.said(),
        "the arguments of a program": Path(world.processes.arguments).read_text(),
        "the log of a job": "\n".join(printed),
        "a comment": "\n".join(body for one in repository.comments.values() for _, body in [*one.history, (0, one.body)]),
        "a job's summary": "\n".join(job.summary for run in repository.runs.values() for job in run.jobs),
        "a check": "\n".join(str(vars(one)) for one in repository.check_runs.values()),
        "an address asked of GitHub": "\n".join(path for _, path, _ in world.github.rest.calls),
    }  # fmt: skip


def _written(connection: Connection) -> dict[str, str]:
    """All that is readable in the database, table by table."""
    found = {}
    for name in inspect(connection).get_table_names():
        rows = connection.execute(text(f"SELECT * FROM {name}"))
        found[f"the table {name}"] = "\n".join(
            one.decode("utf-8", "replace") if isinstance(one := bytes(cell) if isinstance(cell, memoryview) else cell, bytes)
            else str(one)
            for row in rows for cell in row if isinstance(cell, str | bytes | memoryview | dict | list)
        )  # fmt: skip
    return found


def _secrets(world: World) -> dict[str, str]:
    found = {
        "a secret": CANARY,
        "a sensitive output": OUTPUT_CANARY,
        "the webhook's secret": SECRET,
        "the server's key": KEY,
        "the App's key": world.app.private_key.splitlines()[3],
    }
    tokens = [text for text, one in list(world.github.world.tokens.items()) if text.startswith("ghs_")]
    headers = [base64.b64encode(f"x-access-token:{one}".encode()).decode() for one in tokens]
    issuer = world.github.actions.issuer
    for number, one in enumerate(list(issuer.given)):
        found[f"the signature of identity token {number}"] = one.rpartition(".")[2]
    for number, one in enumerate(list(issuer.asking)):
        found[f"what job {number} asks for its identity token with"] = one
    for number, (token, header) in enumerate(zip(tokens, headers, strict=True)):
        found |= {f"token {number}": token, f"token {number}, as git sends it": header}
    return found
