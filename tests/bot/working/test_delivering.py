"""Webhooks are worked on together, in the order that they came, with as few writes as that takes."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from sqlalchemy import event, select

from bot.server import Server
from bot.store import deliveries, hosting, work
from bot.store.deliveries import Arrived
from bot.store.hosted_tables import deliveries as rows
from bot.store.hosting import HostedRepository
from bot.working import delivering

NUMBER = 4242


def about(name: str = "acme/shop", **more: object) -> dict[str, Any]:
    """A webhook's word of its repository."""
    address = f"https://github.test/{name}"
    told = {"id": NUMBER, "full_name": name, "default_branch": "main", "private": True, "archived": False}
    return {
        "installation": {"id": 1},
        "repository": {**told, "clone_url": f"{address}.git", "html_url": address},
        **more,
    }


def push(branch: str, name: str = "acme/shop") -> tuple[str, dict[str, Any]]:
    told = {"before": "0" * 40, "after": "1" * 40, "deleted": False, "created": True, "forced": False}
    return "push", about(name, ref=f"refs/heads/{branch}", **told)


def take(server: Server, *webhooks: tuple[str, dict[str, Any]]) -> list[str]:
    """Store webhooks; gives their ids."""
    arrived = [
        Arrived(f"guid-{number}", name, json.dumps(body).encode()) for number, (name, body) in enumerate(webhooks)
    ]
    with server.database.writing() as connection:
        deliveries.record(connection, arrived, time.time())
    return [one.guid for one in arrived]


def outcomes(server: Server) -> list[str | None]:
    with server.database.reading() as connection:
        return list(connection.execute(select(rows.c.outcome).order_by(rows.c.id)).scalars())


def asked(server: Server) -> list[tuple[str, str, str]]:
    """What is to be looked at, and by which webhook."""
    with server.database.reading() as connection:
        return sorted((one.kind, one.key, one.correlation) for one in work.soonest(connection, 99))


def known(server: Server) -> HostedRepository | None:
    with server.database.reading() as connection:
        return hosting.repository_of(connection, NUMBER)


def test_all_that_wait_are_worked_on_in_a_few_transactions(server: Server) -> None:
    first, *_ = take(server, *(push(f"branch-{number % 3}") for number in range(50)))
    writes: list[str] = []

    def seen(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if not statement.startswith(("SELECT", "SET", "BEGIN")):
            writes.append(" ".join(statement.split()[:2]))

    event.listen(server.database.engine, "before_cursor_execute", seen)
    delivering.work_on(server, first)
    assert Counter(writes)["UPDATE deliveries"] == 3
    assert len(writes) <= 12
    assert outcomes(server) == [f"push to 'branch-{number % 3}'" for number in range(50)]
    assert asked(server) == [
        ("push", f"{NUMBER}:branch-{number}", f"guid-{47 + (number + 1) % 3}") for number in range(3)
    ]


def changed(action: str, **told: object) -> tuple[str, dict[str, Any]]:
    return "repository", about(action=action) | {"repository": about()["repository"] | told}


def test_the_first_word_on_a_repository_counts_until_github_is_asked(server: Server) -> None:
    first, *_ = take(server, push("a"), push("b", "acme/renamed"), changed("archived", archived=True))
    delivering.work_on(server, first)
    found = known(server)
    assert found is not None
    assert (found.full_name, found.trouble) == ("acme/shop", "")
    assert ("sweep", "all", "guid-2") in asked(server)


def test_trouble_told_between_two_others_is_written_down(server: Server) -> None:
    first, *_ = take(server, push("a"), changed("deleted"), push("b"))
    delivering.work_on(server, first)
    found = known(server)
    assert found is not None
    assert found.trouble == "deleted on GitHub"


def test_several_changed_installations_are_swept_once_and_not_at_once(server: Server) -> None:
    changed = {"action": "created", "installation": {"id": 1, "account": {"login": "acme"}}, "repositories": []}
    first, *_ = take(server, ("installation", changed), ("installation", changed))
    delivering.work_on(server, first)
    with server.database.reading() as connection:
        (sweep,) = work.soonest(connection, 9)
    assert (sweep.kind, sweep.key) == ("sweep", "all")
    assert time.time() < sweep.due_at < time.time() + 2
