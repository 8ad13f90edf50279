"""Finding the repository that work is about, where it can be worked on."""

from __future__ import annotations

from bot.server import Server
from bot.store import hosting
from bot.store.hosting import HostedRepository


def hosted_of(server: Server, github_id: int) -> HostedRepository | None:
    """The repository of that id of GitHub's; None where it is unknown, gone, or out of our reach for now."""
    with server.database.reading() as connection:
        found = hosting.repository_of(connection, github_id)
    return None if found is None or found.trouble else found


def hosted_by_id(server: Server, number: int) -> HostedRepository | None:
    """The repository of that id of ours, likewise."""
    with server.database.reading() as connection:
        found = hosting.repository(connection, number)
    return None if found is None or found.trouble else found
