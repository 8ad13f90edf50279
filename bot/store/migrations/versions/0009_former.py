"""What environments were called before they were moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A list of names; null where none is known."""
    op.add_column("environments", sa.Column("former", sa.JSON()))


def downgrade() -> None:
    """Without it."""
    with op.batch_alter_table("environments") as batch:
        batch.drop_column("former")
