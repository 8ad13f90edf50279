"""A deployment that a command asked for is judged again while it is under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """When it was last judged, and why nothing more of it may begin."""
    with op.batch_alter_table("deployments") as batch:
        batch.add_column(sa.Column("judged_at", sa.Float()))
        batch.add_column(sa.Column("withdrawn", sa.Text(), nullable=False, server_default=sa.text("''")))
    table = sa.table("deployments", *(sa.column(name) for name in ("state", "pull_id", "continuous", "judged_at")))
    commanded = table.c.state.in_(("queued", "running")) & table.c.pull_id.is_not(None) & ~table.c.continuous
    op.execute(sa.update(table).where(commanded).values(judged_at=0))


def downgrade() -> None:
    """Without."""
    with op.batch_alter_table("deployments") as batch:
        batch.drop_column("withdrawn")
        batch.drop_column("judged_at")
