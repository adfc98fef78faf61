"""Workers' leases, and the decisions of early-stopping rules."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# SQLite's row ids are of type INTEGER, by name.
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables."""
    _make_decisions()
    _make_worker_leases()


def _make_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("study_id", _ID, nullable=False),
        sa.Column("trial_number", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("stop", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("predicted", sa.Double, nullable=True),
        sa.Column("step", sa.BigInteger, nullable=True),
        sa.Column("time", sa.Double, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_decisions_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decisions_study", "decisions", ["study_id", "id"], unique=False)
    op.create_index("ix_decisions_trial", "decisions", ["study_id", "trial_number", "id"], unique=False)


def _make_worker_leases() -> None:
    op.create_table(
        "worker_leases",
        sa.Column("trial", sa.Text, nullable=False),
        sa.Column("attempt", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("study_id", _ID, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("acquired", sa.Double, nullable=False),
        sa.Column("completed", sa.Double, nullable=True),
        sa.Column("exit_status", sa.BigInteger, nullable=True),
        sa.Column("failure_class", sa.Text, nullable=True),
        sa.Column("message", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_worker_leases_study_id")),
        sa.PrimaryKeyConstraint("trial", "attempt", name=op.f("pk_worker_leases")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_worker_leases_study", "worker_leases", ["study_id"], unique=False)
