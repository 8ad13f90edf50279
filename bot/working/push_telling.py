"""What is told of a push: its story is kept, and posted where the people who merged look."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from bot.errors import StoreError
from bot.hosting.project import HostedProject
from bot.server import Server
from bot.store import conversation, publications
from bot.store.conversation import LOUD, Story
from bot.store.hosting import PullRow
from bot.store.publications import Kind
from bot.working import merges
from bot.working.merges import Push

_GHOST = "ghost"  # as GitHub calls who is gone


@dataclass(slots=True)
class Telling:
    """What is told of a push as it is worked out. `loud`: what nobody should miss."""

    said: list[str] = field(default_factory=list)
    loud: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def tell(
    server: Server,
    project: HostedProject,
    push: Push,
    telling: Telling,
    numbers: Sequence[int] = (),
    begin: Callable[[], Sequence[int]] = tuple,
    *,
    quiet: bool = False,
) -> None:
    """Keep the story of a push, and have it told; `quiet`: only kept, since nothing here deploys by itself.

    `begin` makes the deployments of it, beside those of these `numbers`: they are kept together with their story.
    Raises StoreError, and makes nothing, where somebody added to the story since it was read.
    """
    here, pull = push.here, push.told_on
    lines = [*(f"{LOUD}{one}" for one in telling.loud), *telling.said]
    former = [*(f"{LOUD}{one}" for one in here.loud), *here.said] if here is not None else []
    now = time.time()
    values: dict[str, object] = {
        "number": pull.number if pull is not None else here.number if here is not None else None,
        "actor": (here.actor if here is not None else "") or _merger(server, project, pull),
        "said": lines or former,
        "problems": telling.problems,
        "created_at": now,
    }
    on_commit = Kind.STORY if pull is None and not quiet and _may_edit_on_commits(server, project) else Kind.LAST_WORD
    told = here.deployments if here is not None else ()
    with server.database.writing() as connection:
        current = conversation.story_at(connection, project.hosted.id, push.branch, push.commit, lock=True)
        if current is not None and current.deployments != told:
            raise StoreError("more was deployed of this push meanwhile", "nothing: it is looked at again")
        values |= {"deployments": sorted({*told, *numbers, *begin()})}
        story = conversation.keep_story(connection, project.hosted.id, push.branch, push.commit, values)
        if not quiet:
            _publish(connection, story, push, on_commit=on_commit, now=now)


def _merger(server: Server, project: HostedProject, pull: PullRow | None) -> str:
    """Who merged."""
    return "" if pull is None else server.client(project.hosted).pull(pull.number).merged_by or _GHOST


def _may_edit_on_commits(server: Server, project: HostedProject) -> bool:
    """Whether the App may edit what it wrote on a commit: what it cannot keep up to date is written once."""
    return server.github.permissions(project.hosted.installation_id).get("contents") == "write"


def _publish(connection: Connection, story: Story, push: Push, *, on_commit: Kind, now: float) -> None:
    """Have it told: by the check of the commit always, in words where there is anything to say."""
    where, shown = story.repository, story.deployments
    kind = Kind.STORY_CHECK
    publications.want(connection, where, kind, str(story.id), now, sha=story.commit, deployments=shown)
    deploys = merges.with_tasks(connection, shown)
    if not deploys and (push.first or not (story.said or story.loud or story.problems)):
        return
    if story.number is not None:
        key = str(story.id)
        publications.want(connection, where, Kind.STORY, key, now, number=story.number, deployments=shown)
        for pull in push.pulls_told_elsewhere:
            publications.want(connection, where, Kind.STORY, f"{key}:{pull.number}", now, number=pull.number)
    else:
        publications.want(connection, where, on_commit, str(story.id), now, sha=story.commit, deployments=shown)
