"""What refers to a row that expires is found by an index."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_tasks_shown_plan_id", "tasks", ["shown_plan_id"]),
    ("ix_tasks_plan_id", "tasks", ["plan_id"]),
    ("ix_tasks_approved_plan_id", "tasks", ["approved_plan_id"]),
    ("ix_dispatches_deployment_id", "dispatches", ["deployment_id"]),
    ("ix_publications_pull", "publications", ["repository_id", "number"]),
)


def upgrade() -> None:
    """Make them."""
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)


def downgrade() -> None:
    """Without them."""
    for name, table, _ in _INDEXES:
        op.drop_index(name, table_name=table)
