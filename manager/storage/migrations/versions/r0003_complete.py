"""Whether a decision holds its trial for done."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; earlier decisions held trials for hopeless."""
    op.add_column("decisions", sa.Column("complete", sa.Boolean, server_default=sa.false(), nullable=False))
