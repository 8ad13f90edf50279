"""How Alembic runs our migrations: on the connection that the store hands it."""

from __future__ import annotations

from alembic import context

import bot.store.hosted_tables  # noqa: F401 (its tables belong to the metadata)
from bot.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
