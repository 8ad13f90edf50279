"""What waits for GitHub: plans for the workflow file, jobs for the rules of their environment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what waits."""
    with op.batch_alter_table("pull_plans", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held", sa.JSON(), nullable=True))
    with op.batch_alter_table("remote_attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("refused", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("refused", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Remove it again."""
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_column("refused")
    with op.batch_alter_table("remote_attempts", schema=None) as batch_op:
        batch_op.drop_column("refused")
        batch_op.drop_column("held")
    with op.batch_alter_table("pull_plans", schema=None) as batch_op:
        batch_op.drop_column("held")
