"""Finding the repository that work is about, where it can be worked on."""

from __future__ import annotations

from bot.github.errors import Suspended
from bot.server import Server
from bot.store import hosting
from bot.store.hosting import HostedRepository


def hosted_of(server: Server, github_id: int) -> HostedRepository | None:
    """The repository of that id of GitHub's; None where it is unknown, gone, or archived.

    Raises Suspended: work is tried again then, for that passes.
    """
    with server.database.reading() as connection:
        return _in_reach(hosting.repository_of(connection, github_id))


def hosted_by_id(server: Server, number: int) -> HostedRepository | None:
    """The repository of that id of ours, likewise."""
    with server.database.reading() as connection:
        return _in_reach(hosting.repository(connection, number))


def _in_reach(found: HostedRepository | None) -> HostedRepository | None:
    if found is not None and found.trouble == hosting.SUSPENDED:
        raise Suspended(found.trouble, "take that back in the settings of the account, under GitHub Apps")
    return None if found is None or found.trouble else found
