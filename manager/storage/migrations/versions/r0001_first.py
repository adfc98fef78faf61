"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LIVE_STUDIES = sa.text("state NOT IN ('Succeeded', 'Failed', 'Stopped')")
_LIVE_TRIALS = sa.text("state IN ('Pending', 'Running')")
_OF_TRIAL = sa.text("trial_number IS NOT NULL")
_REVISED = sa.text("revision IS NOT NULL")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "leases",
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_leases")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "metric_summaries",
        sa.Column("trial_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("attempt", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("min", sa.Double, nullable=True),
        sa.Column("max", sa.Double, nullable=True),
        sa.Column("total", sa.Double, nullable=False),
        sa.Column("latest", sa.Double, nullable=True),
        sa.Column("first", sa.Double, nullable=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("non_finite", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("trial_id", "attempt", "slot", name=op.f("pk_metric_summaries")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "observations",
        sa.Column("trial_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("attempt", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("metric", sa.Integer, nullable=False),
        sa.Column("source", sa.Integer, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("step", sa.BigInteger, nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("kind", sa.SmallInteger, nullable=False),
        sa.Column("value", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("trial_id", "attempt", "position", name=op.f("pk_observations")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_observations_once", "observations", ["trial_id", "attempt", "source", "sequence", "metric"], unique=True
    )
    op.create_table(
        "offsets",
        sa.Column("trial_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("attempt", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("slot", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("highest", sa.BigInteger, nullable=True),
        sa.Column("position", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("trial_id", "attempt", "slot", name=op.f("pk_offsets")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "requests",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("reply", sa.LargeBinary, nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index("ix_requests_time", "requests", ["time"], unique=False)
    op.create_table(
        "studies",
        sa.Column("id", _ID, nullable=False),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("pending", sa.BigInteger, nullable=False),
        sa.Column("running", sa.BigInteger, nullable=False),
        sa.Column("succeeded", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("early_stopped", sa.BigInteger, nullable=False),
        sa.Column("killed", sa.BigInteger, nullable=False),
        sa.Column("metrics_unavailable", sa.BigInteger, nullable=False),
        sa.Column("next_number", sa.BigInteger, nullable=False),
        sa.Column("best_number", sa.BigInteger, nullable=True),
        sa.Column("best_value", sa.Double, nullable=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sa.Column("rank", sa.BigInteger, nullable=False),
        sa.Column("elapsed", sa.Double, nullable=False),
        sa.Column("running_since", sa.Double, nullable=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("started", sa.Double, nullable=True),
        sa.Column("finished", sa.Double, nullable=True),
        sa.Column("initial_used", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
        sa.UniqueConstraint("uid", name=op.f("uq_studies_uid")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_studies_live", "studies", ["id"], unique=False, sqlite_where=_LIVE_STUDIES, postgresql_where=_LIVE_STUDIES
    )
    op.create_index("ix_studies_namespace_name", "studies", ["namespace", "name"], unique=True)
    op.create_table(
        "tokens",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_tokens_hash")),
    )
    op.create_table(
        "documents",
        sa.Column("study_id", _ID, nullable=False),
        sa.Column("generation", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_documents_study_id")),
        sa.PrimaryKeyConstraint("study_id", "generation", name=op.f("pk_documents")),
    )
    op.create_table(
        "events",
        sa.Column("id", _ID, nullable=False),
        sa.Column("study_id", _ID, nullable=False),
        sa.Column("trial_number", sa.BigInteger, nullable=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("time", sa.Double, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=True),
        sa.Column("digest", sa.BigInteger, nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_events_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_events_revision",
        "events",
        ["study_id", "revision"],
        unique=True,
        sqlite_where=_REVISED,
        postgresql_where=_REVISED,
    )
    op.create_index("ix_events_study", "events", ["study_id", "id"], unique=False)
    op.create_index(
        "ix_events_trial",
        "events",
        ["study_id", "trial_number", "id"],
        unique=False,
        sqlite_where=_OF_TRIAL,
        postgresql_where=_OF_TRIAL,
    )
    op.create_table(
        "study_labels",
        sa.Column("study_id", _ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_study_labels_study_id")),
        sa.PrimaryKeyConstraint("study_id", "name", name=op.f("pk_study_labels")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_study_labels_name_value", "study_labels", ["name", "value"], unique=False)
    op.create_table(
        "study_summaries",
        sa.Column("study_id", _ID, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("min", sa.Double, nullable=False),
        sa.Column("max", sa.Double, nullable=False),
        sa.Column("total", sa.Double, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_study_summaries_study_id")),
        sa.PrimaryKeyConstraint("study_id", "metric", name=op.f("pk_study_summaries")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "trials",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        sa.Column("study_id", _ID, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("assignment", sa.Text, nullable=False),
        sa.Column("value", sa.Double, nullable=True),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("parent", sa.BigInteger, nullable=True),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("explanation", sa.Text, nullable=True),
        sa.Column("completion_rank", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        sa.Column("attempt_open", sa.Boolean, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("not_before", sa.Double, nullable=True),
        sa.Column("stop_kind", sa.Text, nullable=True),
        sa.Column("stop_reason", sa.Text, nullable=True),
        sa.Column("stop_time", sa.Double, nullable=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("started", sa.Double, nullable=True),
        sa.Column("finished", sa.Double, nullable=True),
        sa.Column("attempt_started", sa.Double, nullable=True),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_trials_study_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trials")),
    )
    op.create_index(
        "ix_trials_live",
        "trials",
        ["study_id", "number"],
        unique=False,
        sqlite_where=_LIVE_TRIALS,
        postgresql_where=_LIVE_TRIALS,
    )
    op.create_index("ix_trials_revision", "trials", ["study_id", "revision"], unique=True)
    op.create_table(
        "attempts",
        sa.Column("trial_id", _ID, nullable=False),
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("ending", sa.Text, nullable=True),
        sa.Column("failure_class", sa.Text, nullable=True),
        sa.Column("exit_status", sa.BigInteger, nullable=True),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("started", sa.Double, nullable=False),
        sa.Column("finished", sa.Double, nullable=True),
        sa.ForeignKeyConstraint(["trial_id"], ["trials.id"], name=op.f("fk_attempts_trial_id")),
        sa.PrimaryKeyConstraint("trial_id", "number", name=op.f("pk_attempts")),
        sqlite_with_rowid=False,
    )
