"""Why it is not known whether anything more of a deployment may begin."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """In words; empty where that is known."""
    op.add_column("deployments", sa.Column("unsure", sa.Text(), nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    """Without it."""
    with op.batch_alter_table("deployments") as batch:
        batch.drop_column("unsure")
