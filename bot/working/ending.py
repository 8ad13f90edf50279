"""The end of a pull request, and of what it held: who waited goes on, and where it is told it is told anew."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sqlalchemy import Connection

from bot.decide.deeds import ITSELF, By
from bot.server import Server
from bot.store import conversation, locks, publications, work
from bot.store.hosting import HostedRepository, PullRow
from bot.store.publications import Kind
from bot.working.superseding import stop_newest
from bot.working.voiding import void_asked


def give_back(server: Server, hosted: HostedRepository, pull: PullRow) -> None:
    """A merged pull request gives back what it held; one closed after a deploy keeps it, and is told so."""
    now = time.time()
    with server.database.writing() as connection:
        stop_newest(connection, pull, now)
        void_asked(connection, pull, ended(pull), now)
        if pull.state == "merged":
            if locks.release(connection, pull.id, ended(pull), now):
                wake_waiting(connection, hosted, now)
            work.request(connection, "push", f"{hosted.github_id}:{pull.base_ref}"[:255], now, now)
        elif locks.of_pull(connection, pull.id):
            publications.want(connection, hosted.id, Kind.OFF_MAIN, str(pull.number), now, number=pull.number)
    server.wake()


def ended(pull: PullRow) -> By:
    """What gives back what a merged pull request held, and calls off what waits on one that is merged or closed."""
    return By(ITSELF, f"#{pull.number}", (f"#{pull.number} was {pull.state}",), pull=pull.number)


def freed(connection: Connection, hosted: HostedRepository, numbers: Iterable[int], now: float) -> None:
    """These pull requests hold less than before: whoever waited for that goes on, and where it is told it is told."""
    wake_waiting(connection, hosted, now)
    for number in sorted(set(numbers)):
        tell_off_main(connection, hosted, number, now)


def tell_off_main(connection: Connection, hosted: HostedRepository, number: int, now: float) -> None:
    """Bring the comment up to date that tells what a closed pull request holds, if there is one."""
    if publications.find(connection, hosted.id, Kind.OFF_MAIN, str(number)) is not None:
        publications.want(connection, hosted.id, Kind.OFF_MAIN, str(number), now, number=number)


def wake_waiting(connection: Connection, hosted: HostedRepository, now: float) -> None:
    """Something became free: let the commands and branches go on that waited for it."""
    for number in conversation.pulls_with(connection, hosted.id, conversation.UNFINISHED):
        work.request(connection, "commands", f"{hosted.github_id}:{number}", now, now)
    for branch in conversation.branches_with_stories(connection, hosted.id):
        work.request(connection, "push", f"{hosted.github_id}:{branch}"[:255], now, now)
