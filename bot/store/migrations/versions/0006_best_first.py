"""Tasks are found best first, and those that have ended are looked at no more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ENDED = ("succeeded", "failed", "timed out", "cancelled", "blocked", "skipped")


def upgrade() -> None:
    """Sort the indexes of tasks, and call clean what has ended."""
    tasks = sa.table("tasks", sa.column("state", sa.String), sa.column("dirty", sa.Boolean))
    op.execute(sa.update(tasks).where(tasks.c.state.in_(_ENDED)).values(dirty=False))
    for name, column in (("ix_tasks_deployment_state", "state"), ("ix_tasks_dirty", "dirty")):
        op.drop_index(name, table_name="tasks")
        op.create_index(name, "tasks", ["deployment_id", column, "rank"])


def downgrade() -> None:
    """As they were."""
    for name, column in (("ix_tasks_deployment_state", "state"), ("ix_tasks_dirty", "dirty")):
        op.drop_index(name, table_name="tasks")
        op.create_index(name, "tasks", ["deployment_id", column])
