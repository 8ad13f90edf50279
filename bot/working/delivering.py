"""What follows from a webhook: rows that others act on. Webhooks are hints; what they are about is looked at anew."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from bot.commands import GRAMMARS
from bot.commands.kept import as_json
from bot.decide.comment import Command, parse
from bot.decide.webhook import Intake, Work, look_at
from bot.decide.webhook_fields import Fields
from bot.server import Server
from bot.store import conversation, deliveries, dispatching, hosting, publications, remote, work
from bot.store.conversation import CommandState
from bot.store.hosting import HostedRepository
from bot.working.seen import commit_seen, seconds

_GONE = "deleted on GitHub"
_REPORTS_COME_SECONDS = 1.0
"""After a run has ended: what its jobs reported is taken in by then, and nothing has to be asked of GitHub."""


def work_on(server: Server, guid: str) -> None:
    """Work on one webhook, and write down what became of it."""
    with server.database.reading() as connection:
        arrived = deliveries.read(connection, guid)
    if arrived is None:
        return
    payload = _read(arrived.body)
    intake = Intake("not JSON, or no object") if payload is None else look_at(arrived.event, payload)
    now = time.time()
    with server.database.writing() as connection:
        outcome = _follow(connection, intake, payload or {}, now)
        action = payload.get("action") if payload else None
        deliveries.conclude(connection, guid, action if isinstance(action, str) else "", outcome)
    server.metrics.delivery(arrived.event, "ignored" if outcome.startswith("ignored") else "done")
    server.wake()


def _read(body: bytes) -> Mapping[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _follow(connection: Connection, intake: Intake, payload: Mapping[str, Any], now: float) -> str:
    hosted = _repository(connection, intake, payload)
    for one in intake.work:
        if one.kind == "installation":
            _installation(connection, one.payload)
        elif hosted is None:
            return "ignored: the App is not installed there"
        elif one.kind in _FOLLOW:
            _FOLLOW[one.kind](connection, hosted, one, now)
    return intake.outcome


def _repository(connection: Connection, intake: Intake, payload: Mapping[str, Any]) -> HostedRepository | None:
    """The repository that a webhook is about, as the webhook has it: it is signed, and it is the newest word."""
    if intake.repository_id is None:
        return None
    if intake.installation_id is None:
        return hosting.repository_of(connection, intake.repository_id)
    fields = Fields(payload)
    names = ("full_name", "default_branch", "clone_url", "html_url")
    found = {name: fields.text_or_none(f"repository.{name}") for name in names}
    if not all(found.values()):
        return hosting.repository_of(connection, intake.repository_id)
    return hosting.keep_repository(
        connection,
        intake.repository_id,
        {**found, "installation_id": intake.installation_id, "private": fields.find("repository.private") is not False},
    )


def _pull(connection: Connection, hosted: HostedRepository, one: Work, now: float) -> None:
    told = one.payload
    if told["action"] == "synchronize" and told["before"] and told["sender"]:
        hosting.pushed(
            connection,
            hosted.id,
            int(str(told["number"])),
            before=str(told["before"]),
            head=str(told["head"]),
            by=str(told["sender"]),
        )
    work.request(connection, "pull", f"{hosted.github_id}:{told['number']}", now, now)


def _push(connection: Connection, hosted: HostedRepository, one: Work, now: float) -> None:
    work.request(connection, "push", f"{hosted.github_id}:{one.payload['branch']}"[:255], now, now)


def _comment(connection: Connection, hosted: HostedRepository, one: Work, now: float) -> None:
    """Keep what a comment asks for, as it was when it was written; each line of it once."""
    told = one.payload
    number, comment = int(str(told["number"])), int(str(told["comment_id"]))
    found = parse(str(told["body"]), GRAMMARS)
    for each in found:
        values: dict[str, Any] = {
            "repository_id": hosted.id,
            "number": number,
            "comment_id": comment,
            "line": each.line,
            "actor": str(told["author"]),
            "verb": "",
            "command": {"text": each.text},
            "seen": commit_seen(connection, hosted.id, number, str(told["created_at"])),
            "state": CommandState.NEW.value,
            "answer": {},
            "deployments": [],
            "created_at": seconds(str(told["created_at"])),
        }
        if isinstance(each, Command):
            values |= {"verb": each.verb, "command": as_json(each)}
        else:
            values["answer"] = {"mistake": [each.text, each.message, each.hint]}
        conversation.keep_command(connection, values)
    if found:
        work.request(connection, "commands", f"{hosted.github_id}:{number}", now, now)


def _job(connection: Connection, hosted: HostedRepository, one: Work, now: float) -> None:
    """A job of ours began or ended: where people see it, and whether nobody can claim its attempt any more."""
    told = one.payload
    run, job = int(str(told["run_id"])), int(str(told["job_id"]))
    dispatch = dispatching.of_run(connection, hosted.id, run)
    if dispatch is None:
        work.request(connection, "runs", str(hosted.id), now, now)
        return
    ended = told["action"] == "completed"
    for row in dispatching.attempts_of(connection, dispatch.id):
        if not is_job_of(str(told["name"]), row.job, row.slug):
            continue
        if row.job_id not in (None, job):
            continue
        dispatching.job_of(connection, row.attempt_id, url=str(told["html_url"]), ended=ended)
        publications.refresh(connection, dispatch.deployment, now)
        if ended and not row.claimed and not row.revoked:
            why = f"its job ended ({told['conclusion']}) before a runner claimed it: {told['html_url']}"
            remote.revoke(connection, row.attempt_id, why)


def is_job_of(name: str, job: str, slug: str) -> bool:
    """Whether a job of that name runs the attempt of this slug."""
    return name == f"{job} {slug}"


def _run(connection: Connection, hosted: HostedRepository, one: Work, now: float) -> None:
    """A run of ours began or ended: it is found by the key in its title, where the answer to its dispatch was lost."""
    told = one.payload
    title, run = str(told["title"] or ""), int(str(told["run_id"]))
    dispatch = dispatching.by_key(connection, title.rpartition(" ")[2])
    if dispatch is not None and dispatch.run_id is None:
        dispatching.write(connection, dispatch.id, run_id=run, run_url=str(told["html_url"]), state="sent")
    if told["action"] == "completed" and dispatch is not None:
        work.request(connection, "runs", f"{hosted.id}:{run}", now + _REPORTS_COME_SECONDS, now)


def _rerequest(connection: Connection, hosted: HostedRepository, one: Work, now: float) -> None:
    """Somebody asks for a check again: it is told anew, and the pull request of that head is planned again."""
    publications.tell_again(connection, hosted.id, str(one.payload["head_sha"]), now)
    for pull in hosting.open_pulls(connection, hosted.id):
        if pull.head == one.payload["head_sha"]:
            hosting.keep_pull(connection, hosted.id, pull.number, {"plan_id": None})
            work.request(connection, "pull", f"{hosted.github_id}:{pull.number}", now, now)


def _repository_changed(connection: Connection, hosted: HostedRepository, one: Work, now: float) -> None:  # noqa: ARG001
    trouble = _GONE if one.payload["action"] == "deleted" else "archived" if one.payload["archived"] else ""
    hosting.mark_trouble(connection, github_id=hosted.github_id, trouble=trouble)


def _installation(connection: Connection, told: Mapping[str, object]) -> None:
    action, number = told["action"], int(str(told["installation_id"]))
    troubles = {"deleted": "the App was uninstalled", "suspend": "the App was suspended", "unsuspend": ""}
    if action in troubles:
        hosting.mark_trouble(connection, installation=number, trouble=troubles[str(action)])


def _merge_group(connection: Connection, hosted: HostedRepository, one: Work, now: float) -> None:
    """A merge queue waits for a check of its own commit."""
    head = str(one.payload["head_sha"])
    publications.want(connection, hosted.id, publications.Kind.MERGE_GROUP, head, now, sha=head)


_FOLLOW: Mapping[str, Callable[[Connection, HostedRepository, Work, float], None]] = {
    "pull": _pull,
    "push": _push,
    "comment": _comment,
    "job": _job,
    "run": _run,
    "rerequest": _rerequest,
    "repository": _repository_changed,
    "merge_group": _merge_group,
}
