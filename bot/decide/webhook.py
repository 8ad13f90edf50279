"""What work follows from a webhook. Nothing in it is trusted to be there, nor to be of its type; nothing raises.

Most work is a hint: who does it looks at GitHub anew, so it does not matter if webhooks come late, twice, out of order
or not at all. A `comment` is the exception: what it says and when it was written counts as it was when it came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.decide.webhook_fields import Fields, NotItsShape, identifier
from planner.ci.headwater_workflow import FILE

LONGEST_KEY = 255  # of a row of work


@dataclass(frozen=True, slots=True)
class Work:
    """Something to be done. `key`: REPOSITORY ID, a colon, what it is about; the payload is plain JSON.

    Two of the same kind and key may be done as one, by the newer payload.
    """

    kind: str
    key: str
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Intake:
    """What a webhook comes to, in a few words for people, and what work follows."""

    outcome: str
    work: tuple[Work, ...] = ()
    repository_id: int | None = None
    installation_id: int | None = None


_Found = tuple[str, Work]  # the outcome for people, and what follows


class _Ignored(Exception):  # noqa: N818 (never leaves this module)
    """Nothing follows; the text says why."""


def look_into(event: str, body: bytes) -> tuple[Intake, Mapping[str, Any]]:
    """What follows from a webhook as it came, and the JSON object that it is (empty where it is none). Never raises."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return Intake("not JSON, or no object"), {}
    return look_at(event, found), found


def action_of(payload: Mapping[str, Any]) -> str:
    """What a webhook says was done; empty where it says nothing."""
    action = payload.get("action")
    return action if isinstance(action, str) else ""


def look_at(event: str, payload: object) -> Intake:
    """What follows from a webhook of that event (`X-GitHub-Event`). Never raises."""
    fields = Fields(payload if isinstance(payload, Mapping) else {})
    outcome, work = _read(event, fields)
    repository, installation = fields.find("repository.id"), fields.find("installation.id")
    return Intake(outcome, work, identifier(repository), identifier(installation))


def _read(event: str, fields: Fields) -> tuple[str, tuple[Work, ...]]:
    if event == "ping":
        return "ping", ()
    if event not in _EVENTS:
        return "ignored: unknown event", ()
    try:
        outcome, work = _EVENTS[event](fields)
    except _Ignored as why:
        return f"ignored: {why}", ()
    except NotItsShape as wrong:
        return f"not this event's shape: {wrong}", ()
    return (outcome, (work,)) if len(work.key) <= LONGEST_KEY else ("ignored: a name that is too long", ())


def _action(fields: Fields, *wanted: str) -> str:
    """The action, where it is one that something follows from."""
    action = fields.text("action")
    if action not in wanted:
        raise _Ignored(f"action {action}" if action.isidentifier() and len(action) < 40 else "unknown action")
    return action


def _key(fields: Fields, *parts: object) -> str:
    return ":".join(str(part) for part in (fields.number("repository.id"), *parts))


# ---- pull requests


def _pull_request(fields: Fields) -> _Found:
    action = _action(
        fields, "opened", "synchronize", "reopened", "closed", "ready_for_review", "converted_to_draft", "edited"
    )
    if action == "edited" and fields.find("changes.base.ref.from") is None:
        raise _Ignored("pull request edited, but not its base branch")
    return _pull(fields, "pull_request", action)


def _review(fields: Fields) -> _Found:
    return _pull(fields, "pull_request_review", _action(fields, "submitted", "edited", "dismissed"))


def _pull(fields: Fields, event: str, action: str) -> _Found:
    number = fields.small("pull_request.number")
    payload = {
        "number": number,
        "event": event,
        "action": action,
        "head": fields.commit("pull_request.head.sha"),
        "before": fields.text_or_none("before"),
        "sender": fields.text_or_none("sender.login"),
    }
    return f"pull request {number}", Work("pull", _key(fields, number), payload)


def _comment(fields: Fields) -> _Found:
    """A comment's text is taken as it was first written: an edited one might say what nobody saw."""
    action = fields.text("action")
    if action != "created":
        raise _Ignored({"edited": "comment edited", "deleted": "comment deleted"}.get(action, "comment not new"))
    if fields.find("issue.pull_request") is None:
        raise _Ignored("comment on an issue")
    kind = fields.text("comment.user.type")
    if kind != "User":
        raise _Ignored("comment by a bot" if kind == "Bot" else "comment by no person")
    number, comment = fields.small("issue.number"), fields.number("comment.id")
    payload = {
        "number": number,
        "comment_id": comment,
        "author": fields.text("comment.user.login"),
        "author_type": kind,
        "body": fields.prose("comment.body"),
        "created_at": fields.moment("comment.created_at"),
    }
    return f"comment on pull request {number}", Work("comment", _key(fields, number, comment), payload)


# ---- branches


def _push(fields: Fields) -> _Found:
    ref = fields.text("ref")
    if not ref.startswith("refs/heads/"):
        raise _Ignored("not a branch")
    if fields.flag("deleted"):
        raise _Ignored("branch deleted")
    branch = ref.removeprefix("refs/heads/")
    payload = {
        "branch": branch,
        "before": fields.commit("before"),
        "after": fields.commit("after"),
        "created": fields.flag("created"),
        "forced": fields.flag("forced"),
        "sender": fields.text_or_none("sender.login"),
    }
    return f"push to {branch!r}", Work("push", _key(fields, branch), payload)


def _delete(fields: Fields) -> _Found:
    if fields.text("ref_type") != "branch":
        raise _Ignored("not a branch")
    branch = fields.text("ref")
    return f"branch {branch!r} deleted", Work("branch_deleted", _key(fields, branch), {"branch": branch})


def _merge_group(fields: Fields) -> _Found:
    _action(fields, "checks_requested")
    head = fields.commit("merge_group.head_sha")
    payload = {
        "head_sha": head,
        "head_ref": fields.text("merge_group.head_ref"),
        "base_sha": fields.commit("merge_group.base_sha"),
        "base_ref": fields.text("merge_group.base_ref"),
    }
    return f"merge group {head[:7]}", Work("merge_group", _key(fields, head), payload)


# ---- runs, jobs, checks


def _workflow_run(fields: Fields) -> _Found:
    action = _action(fields, "requested", "in_progress", "completed")
    path = fields.text("workflow_run.path").partition("@")[0]  # GitHub may write the ref behind an @
    if path != FILE:
        raise _Ignored("run of another workflow")
    run, attempt = fields.number("workflow_run.id"), fields.small("workflow_run.run_attempt")
    payload = {
        "run_id": run,
        "run_attempt": attempt,
        "action": action,
        "status": fields.text("workflow_run.status"),
        "conclusion": fields.text_or_none("workflow_run.conclusion"),
        "event": fields.text("workflow_run.event"),
        "title": fields.text_or_none("workflow_run.display_title"),
        "path": path,
        "head_branch": fields.text_or_none("workflow_run.head_branch"),
        "head_sha": fields.commit("workflow_run.head_sha"),
        "html_url": fields.text("workflow_run.html_url"),
    }
    return f"run {run} {action}", Work("run", _key(fields, run, attempt, action), payload)


def _workflow_job(fields: Fields) -> _Found:
    action = _action(fields, "queued", "waiting", "in_progress", "completed")
    job = fields.number("workflow_job.id")
    payload = {
        "run_id": fields.number("workflow_job.run_id"),
        "run_attempt": fields.small("workflow_job.run_attempt"),
        "job_id": job,
        "action": action,
        "name": fields.text("workflow_job.name"),
        "status": fields.text("workflow_job.status"),
        "conclusion": fields.text_or_none("workflow_job.conclusion"),
        "workflow": fields.text_or_none("workflow_job.workflow_name"),
        "head_branch": fields.text_or_none("workflow_job.head_branch"),
        "html_url": fields.text("workflow_job.html_url"),
    }
    return f"job {job} {action}", Work("job", _key(fields, job, action), payload)


def _check_run(fields: Fields) -> _Found:
    _action(fields, "rerequested")
    return "check asked for again", _rerequest(fields, "check_run", fields.text("check_run.name"))


def _check_suite(fields: Fields) -> _Found:
    _action(fields, "rerequested")
    return "all checks asked for again", _rerequest(fields, "check_suite", None)


def _rerequest(fields: Fields, subject: str, name: str | None) -> Work:
    payload = {
        "name": name,
        "external_id": fields.text_or_none(f"{subject}.external_id"),
        "head_sha": fields.commit(f"{subject}.head_sha"),
        "app_id": fields.number(f"{subject}.app.id"),
        "sender": fields.text_or_none("sender.login"),
    }
    return Work("rerequest", _key(fields, subject, fields.number(f"{subject}.id")), payload)


# ---- where the App is


_REPOSITORY = ("renamed", "transferred", "deleted", "archived", "unarchived", "edited", "privatized", "publicized")


def _repository(fields: Fields) -> _Found:
    action = _action(fields, *_REPOSITORY)
    if action == "edited" and fields.find("changes.default_branch.from") is None:
        raise _Ignored("repository edited, but not its default branch")
    return f"repository {action}", Work("repository", _key(fields), {"action": action})


def _installation(fields: Fields) -> _Found:
    return _installed(fields, _action(fields, "created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"))


def _installation_repositories(fields: Fields) -> _Found:
    return _installed(fields, _action(fields, "added", "removed"))


def _installation_target(fields: Fields) -> _Found:
    """Its account is called otherwise, and so are its repositories."""
    return _installed(fields, _action(fields, "renamed"))


def _installed(fields: Fields, action: str) -> _Found:
    number = fields.number("installation.id")
    payload = {
        "installation_id": number,
        "action": action,
        "account": fields.text_or_none("installation.account.login"),
        "added": fields.repositories("repositories") + fields.repositories("repositories_added"),
        "removed": fields.repositories("repositories_removed"),
    }
    return f"installation {action}", Work("installation", f"{number}", payload)


_EVENTS: Mapping[str, Callable[[Fields], _Found]] = {
    "check_run": _check_run,
    "check_suite": _check_suite,
    "delete": _delete,
    "installation": _installation,
    "installation_repositories": _installation_repositories,
    "installation_target": _installation_target,
    "issue_comment": _comment,
    "merge_group": _merge_group,
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "push": _push,
    "repository": _repository,
    "workflow_job": _workflow_job,
    "workflow_run": _workflow_run,
}
