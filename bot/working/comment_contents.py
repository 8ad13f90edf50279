"""What each kind of comment says, by the store."""

from __future__ import annotations

from sqlalchemy import Connection

from bot.decide.transitions import ACTIVE, DEPLOYMENT_FINISHED, TaskState
from bot.hosting.project import HostedProject
from bot.render.answers import notice
from bot.render.comments import deployment_comment, plan_comment
from bot.render.markdown import marked, marker, pull_link
from bot.store import conversation, deployments, gathering, hosting, locks
from bot.store.publications import Publication
from bot.working.showing import command_model, plan_model, story_model

_WRITTEN_ONCE = "<sub>Written once, as it was then: the check of this commit tells what came after.</sub>"


def plan(connection: Connection, project: HostedProject, one: Publication) -> str | None:
    pull = hosting.pull(connection, one.repository, one.number or 0)
    model = plan_model(connection, project, pull) if pull is not None else None
    return None if model is None else plan_comment(model)


def command(connection: Connection, project: HostedProject, one: Publication) -> str | None:
    row = conversation.command(connection, int(one.key))
    if row is None:
        return None
    text = row.answer.get("text")
    if text:
        body = text.partition("\n")[2] if marked(text) else text
        return f"{marker('deployment', f'c{row.id}')}\n{body}"
    return deployment_comment(command_model(connection, project, row))


def story(connection: Connection, project: HostedProject, one: Publication) -> str | None:
    number, _, elsewhere = one.key.partition(":")
    story = conversation.story(connection, int(number))
    if story is None:
        return None
    if elsewhere:
        where = pull_link(f"#{story.number}", project.hosted.html_url)
        return f"{marker('deployment', f's{story.id}-{elsewhere}')}\nDeployed together with {where}, which tells it.\n"
    return deployment_comment(story_model(connection, project, story))


def last_word(connection: Connection, project: HostedProject, one: Publication) -> str | None:
    """The story of a push once nothing of it is under way: it can be written, and never edited."""
    story = conversation.story(connection, int(one.key))
    if story is None or one.github_id is not None or not all(_rests(connection, each) for each in story.deployments):
        return None
    told = deployment_comment(story_model(connection, project, story))
    return f"{told.rstrip()}\n\n{_WRITTEN_ONCE}\n"


def _rests(connection: Connection, deployment: int) -> bool:
    """Whether nothing of a deployment goes on before somebody says so."""
    told = deployments.flags(connection, deployment)
    if told is None or told.state in DEPLOYMENT_FINISHED:
        return True
    number = gathering.counts(connection, deployment)
    return bool(number.get(TaskState.NEEDS_APPROVAL)) and not any(number.get(one) for one in (*ACTIVE, TaskState.READY))


def off_main(connection: Connection, _project: HostedProject, one: Publication) -> str | None:
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
