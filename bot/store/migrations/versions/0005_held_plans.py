"""What waits for the workflow file to be planned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the aliases whose plans wait."""
    with op.batch_alter_table("pull_plans", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Remove it again."""
    with op.batch_alter_table("pull_plans", schema=None) as batch_op:
        batch_op.drop_column("held")
