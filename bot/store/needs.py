"""What had to be done before what."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, select

from bot.store.tables import task_needs, tasks

OWN = tasks.alias("own")


def needed(connection: Connection, which: ColumnElement[bool]) -> dict[int, set[int]]:
    """By environment id, the environments that were needed in these tasks of it (a condition on `OWN`)."""
    above = tasks.alias("above")
    query = (
        select(OWN.c.environment_id, above.c.environment_id)
        .join(task_needs, task_needs.c.task_id == OWN.c.id)
        .join(above, above.c.id == task_needs.c.upstream_id)
        .where(which)
    )
    found: dict[int, set[int]] = {}
    for environment, upstream in connection.execute(query):
        found.setdefault(environment, set()).add(upstream)
    return found
