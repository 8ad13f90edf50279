"""Work in lanes; what a restored backup leaves open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what the turns of work and restored backups need."""
    op.create_table(
        "restores",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("backup_at", sa.Float(), nullable=True),
        sa.Column("restored_at", sa.Float(), nullable=True),
        sa.Column("heard_until", sa.String(length=64), server_default=sa.text("''"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restores")),
    )
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.add_column(sa.Column("lane", sa.String(length=32), server_default=sa.text("''"), nullable=False))
    with op.batch_alter_table("environments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("doubted", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("overtaken", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Remove it again."""
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.drop_column("overtaken")
    with op.batch_alter_table("environments", schema=None) as batch_op:
        batch_op.drop_column("doubted")
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.drop_column("lane")
    op.drop_table("restores")
