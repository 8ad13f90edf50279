"""What each kind of webhook asks for: rows that others act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from bot import correlation
from bot.commands import GRAMMARS
from bot.commands.kept import as_json
from bot.decide.comment import Command, parse
from bot.decide.webhook import Intake, Work
from bot.decide.webhook_fields import Fields
from bot.store import conversation, deployments, dispatching, hosting, publications, remote_jobs, work
from bot.store.conversation import CommandState
from bot.store.hosting import HostedRepository
from bot.store.publications import Kind
from bot.working.seen import commit_seen, seconds
from bot.working.sweeping import ALL

_GONE = "deleted on GitHub"
_UNINSTALLED = "the App was uninstalled"
_CHANGED_SECONDS = 1.0
"""After an installation or a repository has changed: a sweep asks all of GitHub's lists, and several need just one."""
_REPORTS_COME_SECONDS = 1.0
"""After a run has ended: what its jobs reported is taken in by then, and nothing has to be asked of GitHub."""


@dataclass(slots=True)
class Batch:
    """What webhooks that are worked on together have in common."""

    connection: Connection
    now: float
    known: dict[int, HostedRepository]  # by GitHub's ids, as the store has them
    shown: set[int] = field(default_factory=set)  # deployments that people are to see anew
    drive: bool = False  # a deployment may go on
    asked: list[dict[str, object]] = field(default_factory=list)  # what is to be looked at

    def request(self, kind: str, key: str, after: float = 0.0) -> None:
        """Have something looked at."""
        self.asked.append(work.asked(kind, key, self.now + after, self.now))

    def repository(self, github_id: int) -> HostedRepository | None:
        """A repository as it is known."""
        found = self.known.get(github_id) or hosting.repository_of(self.connection, github_id)
        if found is not None:
            self.known[github_id] = found
        return found

    def mark_trouble(self, trouble: str, **where: int) -> None:
        """Write down why nothing can be done in a repository, or in all of an installation."""
        hosting.mark_trouble(self.connection, trouble=trouble, **where)
        self.known.clear()


def follow(batch: Batch, intake: Intake, payload: Mapping[str, Any]) -> str:
    """Write down what follows from one webhook; what became of it."""
    hosted = _repository(batch, intake, payload)
    for one in intake.work:
        if one.kind == "installation":
            _installation(batch, one.payload)
        elif hosted is None:
            return "ignored: the App is not installed there"
        elif one.kind in _FOLLOW:
            _FOLLOW[one.kind](batch, hosted, one)
    return intake.outcome


def _repository(batch: Batch, intake: Intake, payload: Mapping[str, Any]) -> HostedRepository | None:
    """The repository that a webhook is about: as it is known, else as the webhook has it.

    A webhook may come days late. What is known is GitHub's answer to a sweep, and only another answer changes it.
    """
    if intake.repository_id is None:
        return None
    known = batch.repository(intake.repository_id)
    fields = Fields(payload)
    names = ("full_name", "default_branch", "clone_url", "html_url")
    found = {name: fields.text_or_none(f"repository.{name}") for name in names}
    if known is not None or intake.installation_id is None or not all(found.values()):
        return known
    private = fields.find("repository.private") is not False
    values = {**found, "installation_id": intake.installation_id, "private": private}
    return hosting.keep_repository(batch.connection, intake.repository_id, values)


def _pull(batch: Batch, hosted: HostedRepository, one: Work) -> None:
    told = one.payload
    connection = batch.connection
    if told["action"] == "synchronize" and told["before"] and told["sender"]:
        hosting.pushed(
            connection,
            hosted.id,
            int(str(told["number"])),
            before=str(told["before"]),
            head=str(told["head"]),
            by=str(told["sender"]),
        )
    batch.request("pull", f"{hosted.github_id}:{told['number']}")
    if told["event"] == "pull_request_review" and (
        pull := hosting.pull(connection, hosted.id, int(str(told["number"])))
    ):
        for deployment in deployments.doubt(connection, pull.id, batch.now):
            batch.request("permit", f"{hosted.github_id}:{deployment}")


def _push(batch: Batch, hosted: HostedRepository, one: Work) -> None:
    batch.request("push", f"{hosted.github_id}:{one.payload['branch']}"[:255])


def _comment(batch: Batch, hosted: HostedRepository, one: Work) -> None:
    """Keep what a comment asks for, as it was when it was written; each line of it once."""
    told = one.payload
    connection = batch.connection
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
            "correlation": correlation.current(),
            "created_at": seconds(str(told["created_at"])),
        }
        if isinstance(each, Command):
            values |= {"verb": each.verb, "command": as_json(each)}
        else:
            values["answer"] = {"mistake": [each.text, each.message, each.hint]}
        conversation.keep_command(connection, values)
    if found:
        batch.request("commands", f"{hosted.github_id}:{number}")


def _job(batch: Batch, hosted: HostedRepository, one: Work) -> None:
    """A job of ours began or ended: where people see it, and whether nobody can claim its attempt any more."""
    told = one.payload
    run, job = int(str(told["run_id"])), int(str(told["job_id"]))
    connection = batch.connection
    dispatch = dispatching.of_run(connection, hosted.id, run)
    if dispatch is None:
        if dispatching.unsent(connection, hosted.id):  # else it is a job of another workflow
            batch.request("runs", str(hosted.id))
        return
    ended = told["action"] == "completed"
    for row in dispatching.attempts_of(connection, dispatch.id):
        if not is_job_of(str(told["name"]), row.job, row.slug):
            continue
        if row.job_id not in (None, job):
            continue
        held = None if ended else told["action"] == "waiting"
        dispatching.job_of(connection, row.attempt_id, url=str(told["html_url"]), ended=ended, held=held)
        batch.shown.add(dispatch.deployment)
        batch.drive |= ended and not row.reported  # a report has woken the driver itself
        if ended and not row.claimed and not row.revoked:
            revoke_unclaimed(connection, row, str(told["conclusion"]), str(told["html_url"]))


def revoke_unclaimed(connection: Connection, row: Row[Any], conclusion: str, url: str) -> None:
    """Give up the attempt of a job that ended before a runner claimed it; for good where GitHub's rules said no."""
    refused = row.held and conclusion == "failure"
    by_rules = f"the rules of its GitHub environment refused it: {url}"
    why = by_rules if refused else f"its job ended ({conclusion}) before a runner claimed it: {url}"
    remote_jobs.revoke(connection, row.attempt_id, why, refused=refused)


def is_job_of(name: str, job: str, slug: str) -> bool:
    """Whether a job of that name runs the attempt of this slug."""
    return name == f"{job} {slug}"


def _run(batch: Batch, hosted: HostedRepository, one: Work) -> None:
    """A run of ours began or ended: it is found by the key in its title, where the answer to its dispatch was lost."""
    told = one.payload
    title, run = str(told["title"] or ""), int(str(told["run_id"]))
    connection = batch.connection
    dispatch = dispatching.by_key(connection, title.rpartition(" ")[2])
    if dispatch is not None and dispatch.run_id is None:
        dispatching.write(connection, dispatch.id, run_id=run, run_url=str(told["html_url"]), state="sent")
    if told["action"] == "completed" and dispatch is not None:
        batch.request("runs", f"{hosted.id}:{run}", _REPORTS_COME_SECONDS)


def _rerequest(batch: Batch, hosted: HostedRepository, one: Work) -> None:
    """Somebody asks for a check again: it is told anew, and the pull request of that head is planned again."""
    connection = batch.connection
    publications.tell_again(connection, hosted.id, str(one.payload["head_sha"]), batch.now)
    for pull in hosting.open_pulls(connection, hosted.id):
        if pull.head == one.payload["head_sha"]:
            hosting.keep_pull(connection, hosted.id, pull.number, {"plan_id": None})
            batch.request("pull", f"{hosted.github_id}:{pull.number}")


def _repository_changed(batch: Batch, hosted: HostedRepository, one: Work) -> None:
    """It is gone; else a sweep finds out what it is called now, what its default branch is, whether it is archived."""
    if one.payload["action"] == "deleted":
        batch.mark_trouble(_GONE, github_id=hosted.github_id)
    else:
        batch.request("sweep", ALL, _CHANGED_SECONDS)


def _installation(batch: Batch, told: Mapping[str, Any]) -> None:
    """The App reaches more, or less; a sweep finds out what it reaches now, and does what was left there."""
    action, number = told["action"], int(str(told["installation_id"]))
    troubles = {"deleted": _UNINSTALLED, "suspend": hosting.SUSPENDED, "unsuspend": ""}
    if action in troubles:
        batch.mark_trouble(troubles[str(action)], installation=number)
    for one in told["removed"]:
        batch.mark_trouble(_UNINSTALLED, github_id=one["id"])
    batch.request("sweep", ALL, _CHANGED_SECONDS)


def _branch_deleted(batch: Batch, hosted: HostedRepository, one: Work) -> None:
    """Pull requests from or to it are no longer what they were."""
    branch = one.payload["branch"]
    for pull in hosting.open_pulls(batch.connection, hosted.id):
        if branch in (pull.head_ref, pull.base_ref):
            batch.request("pull", f"{hosted.github_id}:{pull.number}")


def _merge_group(batch: Batch, hosted: HostedRepository, one: Work) -> None:
    """A merge queue waits for a check of its own commit."""
    head = str(one.payload["head_sha"])
    kinds = [Kind.MERGE_GROUP]
    if publications.has_kind(batch.connection, hosted.id, Kind.DEPLOYED_CHECK):
        kinds.append(Kind.MERGE_GROUP_DEPLOYED)
    for kind in kinds:
        publications.want(batch.connection, hosted.id, kind, head, batch.now, sha=head)


_FOLLOW: Mapping[str, Callable[[Batch, HostedRepository, Work], None]] = {
    "pull": _pull,
    "push": _push,
    "comment": _comment,
    "job": _job,
    "run": _run,
    "rerequest": _rerequest,
    "repository": _repository_changed,
    "merge_group": _merge_group,
    "branch_deleted": _branch_deleted,
}
