"""Bringing what is posted on GitHub to what the store says: made once, edited in place, seldom enough."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bot.github import data
from bot.github.data import CheckStatus, Conclusion
from bot.github.errors import NotFound
from bot.github.limits import Priority
from bot.github.repository_client import RepositoryClient
from bot.hosting.project import HostedProject
from bot.render.answers import notice
from bot.render.checks import definition_check, deploy_check, plan_check
from bot.render.comments import deployment_comment, deployment_text, plan_comment
from bot.render.markdown import marked, marker, pull_link
from bot.render.models import CheckOutput, PlanComment
from bot.server import Server
from bot.store import conversation, deployments, hosting, locks, publications, views
from bot.store.publications import MOST_EDITS, Kind, Publication
from bot.working.places import hosted_by_id
from bot.working.seen import plans_in, with_commit, with_plans
from bot.working.showing import command_model, plan_model, section, story_model

HEAD_CHECK_NAME = "headwater plan"


@dataclass(frozen=True, slots=True)
class Check:
    """A check run that is to be posted."""

    name: str
    output: CheckOutput


Content = str | Check

_COMMENTS = frozenset({Kind.PLAN, Kind.COMMAND, Kind.STORY, Kind.OFF_MAIN})
_TURN_SECONDS = 0.1
_CHECKS_APART = 3
"""Checks are looked at less than comments: so many times as far apart are their changes."""


def publish(server: Server, key: str) -> float | None:
    """Post one thing, or bring it up to date; seconds until it may be edited, where it was edited too lately."""
    with server.database.reading() as connection:
        one = publications.read(connection, int(key))
    hosted = hosted_by_id(server, one.repository) if one is not None else None
    if one is None or hosted is None:
        return None
    apart = server.settings.edit_seconds * (1 if one.kind in _COMMENTS else _CHECKS_APART)
    wait = max(too_soon(one, time.time(), apart), _turn(server, one))
    if wait > 0:
        return wait
    project = server.project(hosted)
    with server.database.reading() as connection:
        content = _CONTENT[one.kind](connection, project, one)
        commit = _commit_shown(connection, one)
        plans = plans_in(connection, one) if one.kind in (Kind.COMMAND, Kind.STORY) else []
    if content is None:
        return None
    digest = _digest(content, plans)
    if digest == one.digest and one.github_id is not None:
        return None
    client = server.client(hosted).at(_priority(one, commit, plans))
    posted, moment = _post(server, client, one, content)
    now = time.time()
    values: dict[str, object] = {
        "github_id": posted,
        "trying": False,
        "digest": digest,
        "posted_at": now,
        "edits": [*[at for at in one.edits if at > now - 60], now],
    }
    if commit is not None:
        values["shown"] = with_commit(one.shown, moment, commit)
    elif plans:
        values["shown"] = with_plans(one.shown, moment, plans)
    with server.database.writing() as connection:
        publications.write(connection, one.id, values)
    return None


def _priority(one: Publication, commit: str | None, plans: Sequence[int]) -> Priority:
    """An answer is awaited, and so is a plan that nobody may approve before it is shown; the rest can wait a little."""
    shown = {what for _, what in one.shown}
    news = one.github_id is None or any(str(plan) not in shown for plan in plans)
    return Priority.COMMAND if news or (commit is not None and commit not in shown) else Priority.COSMETIC


def _turn(server: Server, one: Publication) -> float:
    """For how many seconds the answer to a command lets those to the commands before it come first."""
    if one.kind is not Kind.COMMAND or one.github_id is not None:
        return 0.0
    with server.database.reading() as connection:
        return _TURN_SECONDS if publications.answered_before(connection, one) else 0.0


def too_soon(one: Publication, now: float, edit_seconds: float) -> float:
    """For how many seconds this may not be edited yet: edits are some seconds apart, and a few in a minute."""
    if one.posted_at is None or now < one.posted_at:
        return 0.0
    lately = sorted(at for at in one.edits if now - at < 30 * edit_seconds)
    if len(lately) >= MOST_EDITS:
        return max(lately[-MOST_EDITS] + 30 * edit_seconds - now, 0.05)
    return max(one.posted_at + edit_seconds - now, 0.0)


def _digest(content: Content, plans: Sequence[int]) -> str:
    """Of what is posted. A new plan counts also where it reads as the one before: it is one that may be approved."""
    return hashlib.sha256(repr((content, *plans)).encode(errors="replace")).hexdigest()


# -- what it says


def _plan(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    pull = hosting.pull(connection, one.repository, one.number or 0)
    model = plan_model(connection, project, pull) if pull is not None else None
    return None if model is None else plan_comment(model)


def _commit_shown(connection: Connection, one: Publication) -> str | None:
    """The commit that people see once this is posted, where it is a plan comment."""
    if one.kind not in (Kind.PLAN, Kind.HEAD_CHECK):
        return None
    pull = hosting.pull(connection, one.repository, one.number or 0)
    plan = conversation.plan(connection, pull.plan) if pull is not None else None
    return plan.commit if plan is not None else None


def _command(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    row = conversation.command(connection, int(one.key))
    if row is None:
        return None
    text = row.answer.get("text")
    if text:
        body = text.partition("\n")[2] if marked(text) else text
        return f"{marker('deployment', f'c{row.id}')}\n{body}"
    return deployment_comment(command_model(connection, project, row))


def _story(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    number, _, elsewhere = one.key.partition(":")
    story = conversation.story(connection, int(number))
    if story is None:
        return None
    if elsewhere:
        where = pull_link(f"#{story.number}", project.hosted.html_url)
        return f"{marker('deployment', f's{story.id}-{elsewhere}')}\nDeployed together with {where}, which tells it.\n"
    return deployment_comment(story_model(connection, project, story))


def _off_main(connection: Connection, _project: HostedProject, one: Publication) -> Content | None:
    pull = hosting.pull(connection, one.repository, one.number or 0)
    held = locks.of_pull(connection, pull.id) if pull is not None else []
    if pull is None or (one.github_id is None and (not held or pull.state != "closed")):
        return None
    if not held:
        text = "Closed without a merge. What was deployed from here is restored, or was freed: it is locked no more."
    elif pull.state != "closed":
        text = "It is open again: what was deployed from here belongs to it until it is merged, restored or unlocked."
    else:
        names = ", ".join(f"`{one.alias}`" for one in held)
        text = (
            f"Closed without a merge, but deployed from here: {names}. Off the default branch until somebody writes "
            "`/restore` (it plans first), and locked until then; `/unlock` frees them as they are."
        )
    body = notice(text).partition("\n")[2]
    return f"{marker('deployment', f'o{pull.number}')}\n{body}"


def _head_check(connection: Connection, _project: HostedProject, one: Publication) -> Content | None:
    number, _, head = one.key.partition(":")
    pull = hosting.pull(connection, one.repository, int(number))
    if pull is None:
        return None
    plan = next((each for each in conversation.plans_of(connection, pull.id) if each.commit == head), None)
    return Check(HEAD_CHECK_NAME, _head_output(connection, plan, fork=pull.fork, draft=pull.draft))


def _not_planned(*, fork: bool, draft: bool) -> CheckOutput:
    if fork:
        told = "Code of a fork is planned once its commit is named."
        return CheckOutput("Waits for somebody who may deploy", told, conclusion="action_required")
    text = "A draft is planned when somebody writes /plan." if draft else "It is about to be planned."
    return CheckOutput("Not planned yet", text, conclusion="neutral" if draft else None)


def _head_output(connection: Connection, plan: conversation.PullPlan | None, *, fork: bool, draft: bool) -> CheckOutput:
    if plan is None:
        return _not_planned(fork=fork, draft=draft)
    if plan.problems:
        return definition_check(plan.problems)
    found = [views.deployment(connection, number) for number in plan.deployments]
    tasks = [task for view in found if view is not None for task in view.tasks]
    if not tasks and (plan.deployments or plan.after_merge):
        return CheckOutput("Nothing to plan", "See the plan comment.", conclusion="success")
    if not tasks:
        return CheckOutput(
            "Nothing is affected", "No environment reads what this pull request changes.", conclusion="success"
        )
    unfinished = [task for task in tasks if not task.finished]
    failed = [task for task in tasks if task.state.value in ("failed", "timed out")]
    cancelled = [task for task in tasks if task.state.value == "cancelled"]
    title = f"{len(tasks)} environment{'s' * (len(tasks) != 1)} planned"
    if unfinished:
        return CheckOutput(f"Planning {len(tasks)} environment{'s' * (len(tasks) != 1)}", "See the plan comment.")
    if failed:
        return CheckOutput(f"{title}, {len(failed)} failed", "See the plan comment.", conclusion="failure")
    if cancelled:
        return CheckOutput(f"{title}, {len(cancelled)} cancelled", "See the plan comment.", conclusion="cancelled")
    return CheckOutput(title, "See the plan comment.", conclusion="success")


def _plan_check(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    pull = hosting.pull(connection, one.repository, one.number or 0)
    part = section(connection, project, int(one.key))
    if part is None or pull is None:
        return None
    plans = conversation.plans_of(connection, pull.id)
    plan = next((each for each in plans if int(one.key) in each.deployments), None)
    cautions = plan.cautions.get(one.key, ()) if plan is not None else ()
    newest = plan is not None and plan.id == pull.plan
    model = PlanComment(
        key=str(pull.number),
        commit=one.sha or pull.head,
        base=plan.base if plan is not None else "",
        repository_url=project.hosted.html_url,
        superseded_by="" if newest else pull.head,
    )
    part = replace(part, warnings=tuple(cautions))
    return Check(f"headwater plan: {part.workflow}", plan_check(part, model))


def _deploy_check(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    pull_id, _, workflow = one.key.split(":")
    newest: int | None = None
    name = ""
    for number in publications.deployments_of(connection, one.id):
        told = deployments.flags(connection, number)
        if told is None or told.workflow != int(workflow):
            continue
        part = section(connection, project, number)
        name = part.workflow if part is not None else name
        if told.action.value in ("deploy", "destroy", "adopt"):
            newest = number
    if not name:
        return None
    part = section(connection, project, newest) if newest is not None else None
    if part is None:
        return Check(
            f"headwater deploy: {name}",
            CheckOutput("Nothing is deployed yet", "Deploys of this commit will stand here.", conclusion="neutral"),
        )
    pull = hosting.pull_by_id(connection, int(pull_id))
    row = next(
        (
            each
            for each in conversation.commands_of(connection, one.repository, pull.number if pull else 0)
            if newest in each.deployments
        ),
        None,
    )
    model = command_model(connection, project, row) if row is not None else None
    return Check(f"headwater deploy: {name}", deploy_check(part, model))


def _story_check(connection: Connection, project: HostedProject, one: Publication) -> Content | None:
    story = conversation.story(connection, int(one.key))
    if story is None:
        return None
    model = story_model(connection, project, story)
    if story.problems and not model.sections:
        return Check("headwater deploy", definition_check(story.problems))
    if not model.sections:
        said = "\n\n".join((*story.loud, *story.said)) or "Nothing differs from what is deployed."
        return Check(
            "headwater deploy",
            CheckOutput("Nothing was deployed", notice(said).partition("\n")[2], conclusion="success"),
        )
    outputs = [deploy_check(part, model) for part in model.sections]
    order = (None, "action_required", "failure", "cancelled", "neutral", "success")
    worst = min(outputs, key=lambda each: order.index(each.conclusion))
    wrong = definition_check(story.problems)
    conclusion = "failure" if story.problems and worst.conclusion else worst.conclusion
    text = deployment_text(model)
    return Check("headwater deploy", CheckOutput(worst.title, text, "", conclusion, wrong.annotations))


def _merge_group(_connection: Connection, _project: HostedProject, _one: Publication) -> Content | None:
    return Check(
        HEAD_CHECK_NAME,
        CheckOutput(
            "Planned on the pull request", "A merge queue's commit is deployed once it is merged.", conclusion="success"
        ),
    )


_CONTENT: Mapping[Kind, Callable[[Connection, HostedProject, Publication], Content | None]] = {
    Kind.PLAN: _plan,
    Kind.COMMAND: _command,
    Kind.STORY: _story,
    Kind.OFF_MAIN: _off_main,
    Kind.HEAD_CHECK: _head_check,
    Kind.PLAN_CHECK: _plan_check,
    Kind.DEPLOY_CHECK: _deploy_check,
    Kind.STORY_CHECK: _story_check,
    Kind.MERGE_GROUP: _merge_group,
}


# -- how it gets there


def _post(server: Server, client: RepositoryClient, one: Publication, content: Content) -> tuple[int, str]:
    """Post or edit; GitHub's id of it, and its time of that."""
    if one.github_id is not None:
        try:
            return _edit(client, one, one.github_id, content)
        except NotFound:  # somebody deleted it: it is told anew
            pass
    if one.trying and (found := _find(server, client, one, content)) is not None:
        return _edit(client, one, found, content)
    _mark(server, one, trying=True)
    return _create(client, one, content)


def _mark(server: Server, one: Publication, *, trying: bool) -> None:
    """Write down that it may come to be without our hearing of it."""
    with server.database.writing() as connection:
        publications.write(connection, one.id, {"trying": trying, "github_id": None})


def _create(client: RepositoryClient, one: Publication, content: Content) -> tuple[int, str]:
    if isinstance(content, str):
        made = (
            client.commit_comment(one.sha or "", content)
            if _on_commit(one)
            else client.comment(one.number or 0, content)
        )
        return made.id, made.updated_at
    status, conclusion = _status(content.output)
    check = client.create_check(
        content.name,
        one.sha or "",
        external_id=str(one.id),
        status=status,
        conclusion=conclusion,
        output=_output(content.output),
        annotations=_annotations(content.output),
    )
    return check.id, ""


def _on_commit(one: Publication) -> bool:
    """Whether it is said on a commit: there is no pull request to say it on."""
    return one.number is None


def _edit(client: RepositoryClient, one: Publication, number: int, content: Content) -> tuple[int, str]:
    if isinstance(content, str):
        found = client.edit_commit_comment(number, content) if _on_commit(one) else client.edit_comment(number, content)
        return found.id, found.updated_at
    status, conclusion = _status(content.output)
    output, remarks = _output(content.output), _annotations(content.output)
    check = client.update_check(number, status=status, conclusion=conclusion, output=output)
    if remarks and not check.annotations:  # GitHub adds to those that a check has
        check = client.update_check(number, output=output, annotations=remarks)
    return check.id, ""


def _find(server: Server, client: RepositoryClient, one: Publication, content: Content) -> int | None:
    """What was made without our hearing of it: ours by its author, then by its marker."""
    if isinstance(content, str):
        wanted = marked(content)
        mine = server.github.login
        return next(
            (
                each.id
                for each in (
                    client.commit_comments(one.sha or "") if _on_commit(one) else client.comments(one.number or 0)
                )
                if each.author == mine and marked(each.body) == wanted
            ),
            None,
        )
    slug = server.github.slug
    return next(
        (each.id for each in client.checks(one.sha or "") if each.app_slug == slug and each.external_id == str(one.id)),
        None,
    )


def _status(output: CheckOutput) -> tuple[CheckStatus, Conclusion | None]:
    if output.conclusion is None:
        return CheckStatus.IN_PROGRESS, None
    return CheckStatus.COMPLETED, Conclusion(output.conclusion)


def _output(output: CheckOutput) -> data.CheckOutput:
    return data.CheckOutput(output.title, output.summary, output.text)


def _annotations(output: CheckOutput) -> list[data.Annotation]:
    return [
        data.Annotation(each.path, max(each.line, 1), max(each.line, 1), each.message, each.level)
        for each in output.annotations
    ]
