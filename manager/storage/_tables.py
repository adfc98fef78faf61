"""The tables, at revision `HEAD`.

Whoever changes them adds a migration and raises `HEAD`; the tests compare both ways of making a database.
Texts hold states by their words and documents as JSON, so that `sqlite3` and `psql` show something readable. Times are
seconds since 1970-01-01 UTC. Digests are unsigned 64 bit numbers stored as signed ones.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    false,
    text,
)

HEAD: Final = "0003"
"""The newest revision in `migrations/versions`. They are numbered, so that an older program knows a newer database."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# Alembic's own table; not in `metadata`, because migrations never touch it.
alembic_version = Table(
    "alembic_version",
    MetaData(naming_convention={"pk": "%(table_name)s_pkc"}),
    Column("version_num", String(32), primary_key=True),
)

LIVE_TRIALS: Final = text("state IN ('Pending', 'Running')")
LIVE_STUDIES: Final = text("state NOT IN ('Succeeded', 'Failed', 'Stopped')")
"""Literal texts: an index over a part of the rows serves only queries that repeat its condition word for word."""

# SQLite's row ids are of type INTEGER, by name.
_ID = BigInteger().with_variant(Integer(), "sqlite")


def _required(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _study() -> Column[Any]:
    return Column("study_id", _ID, ForeignKey("studies.id"), nullable=False)


# One narrow row a study, written in nearly every transaction; what is long and seldom written lies in `documents`.
studies = Table(
    "studies",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("uid", Text, nullable=False, unique=True),
    _required("namespace"),
    _required("name"),
    _required("generation", BigInteger),
    _required("state"),
    _required("reason"),
    _required("message"),
    _required("pending", BigInteger),
    _required("running", BigInteger),
    _required("succeeded", BigInteger),
    _required("failed", BigInteger),
    _required("early_stopped", BigInteger),
    _required("killed", BigInteger),
    _required("metrics_unavailable", BigInteger),
    _required("next_number", BigInteger),
    Column("best_number", BigInteger),
    Column("best_value", Double),
    _required("revision", BigInteger),
    _required("digest", BigInteger),
    _required("rank", BigInteger),
    _required("elapsed", Double),
    Column("running_since", Double),
    _required("created", Double),
    Column("started", Double),
    Column("finished", Double),
    _required("initial_used", BigInteger),
    Index("ix_studies_namespace_name", "namespace", "name", unique=True),
    Index("ix_studies_live", "id", sqlite_where=LIVE_STUDIES, postgresql_where=LIVE_STUDIES),
    sqlite_autoincrement=True,  # an id is never used again: trial ids are made of it
)

# Every generation of a study's document, as JSON.
documents = Table(
    "documents",
    metadata,
    Column("study_id", _ID, ForeignKey("studies.id"), primary_key=True),
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    _required("document"),
)

study_labels = Table(
    "study_labels",
    metadata,
    Column("study_id", _ID, ForeignKey("studies.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    _required("value"),
    Index("ix_study_labels_name_value", "name", "value"),
    sqlite_with_rowid=False,
)

# id = study_id * 2**32 + number (see `_keys`): a study's trials lie together, by number, without a further index.
trials = Table(
    "trials",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    _study(),
    _required("number", BigInteger),
    _required("name"),
    _required("state"),
    _required("reason"),
    _required("message"),
    _required("assignment"),
    Column("value", Double),
    _required("labels"),
    Column("parent", BigInteger),
    _required("group"),
    Column("explanation", Text),
    _required("completion_rank", BigInteger),
    _required("revision", BigInteger),
    _required("digest", BigInteger),
    _required("attempt", BigInteger),
    _required("attempt_open", Boolean),
    _required("failures", BigInteger),
    Column("not_before", Double),
    Column("stop_kind", Text),
    Column("stop_reason", Text),
    Column("stop_time", Double),
    _required("created", Double),
    Column("started", Double),
    Column("finished", Double),
    Column("attempt_started", Double),
    Index("ix_trials_revision", "study_id", "revision", unique=True),
    Index("ix_trials_live", "study_id", "number", sqlite_where=LIVE_TRIALS, postgresql_where=LIVE_TRIALS),
)

attempts = Table(
    "attempts",
    metadata,
    Column("trial_id", _ID, ForeignKey("trials.id"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("ending", Text),
    Column("failure_class", Text),
    Column("exit_status", BigInteger),
    _required("message"),
    _required("folder"),
    _required("started", Double),
    Column("finished", Double),
    sqlite_with_rowid=False,
)

# `metric` and `source` are slots: they name rows of `metric_summaries` and `offsets` of the same attempt. No foreign
# keys here and in the next two tables: each would be looked up once for every number that a trial reports.
observations = Table(
    "observations",
    metadata,
    Column("trial_id", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    _required("metric", Integer),
    _required("source", Integer),
    _required("sequence", BigInteger),
    _required("step", BigInteger),
    _required("time", Double),
    _required("kind", SmallInteger),
    Column("value", Double),
    Index("ix_observations_once", "trial_id", "attempt", "source", "sequence", "metric", unique=True),
    sqlite_with_rowid=False,
)

metric_summaries = Table(
    "metric_summaries",
    metadata,
    Column("trial_id", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    _required("metric"),
    Column("min", Double),
    Column("max", Double),
    _required("total", Double),
    Column("latest", Double),
    Column("first", Double),
    _required("count", BigInteger),
    _required("non_finite", BigInteger),
    sqlite_with_rowid=False,
)

# One row for each source that an attempt reports from. `highest`: the highest sequence stored. `position`: up to which
# a followed source has been read; absent where nobody follows.
offsets = Table(
    "offsets",
    metadata,
    Column("trial_id", BigInteger, primary_key=True, autoincrement=False),
    Column("attempt", BigInteger, primary_key=True, autoincrement=False),
    Column("slot", Integer, primary_key=True, autoincrement=False),
    _required("source"),
    Column("highest", BigInteger),
    Column("position", BigInteger),
    sqlite_with_rowid=False,
)

study_summaries = Table(
    "study_summaries",
    metadata,
    Column("study_id", _ID, ForeignKey("studies.id"), primary_key=True),
    Column("metric", Text, primary_key=True),
    _required("min", Double),
    _required("max", Double),
    _required("total", Double),
    _required("count", BigInteger),
    sqlite_with_rowid=False,
)

# A change of a trial's state is a revision: its event keeps the digest that the study had then.
events = Table(
    "events",
    metadata,
    Column("id", _ID, primary_key=True),
    _study(),
    Column("trial_number", BigInteger),
    _required("state"),
    _required("reason"),
    _required("message"),
    _required("time", Double),
    Column("revision", BigInteger),
    Column("digest", BigInteger),
    Index("ix_events_study", "study_id", "id"),
    Index(
        "ix_events_trial",
        "study_id",
        "trial_number",
        "id",
        sqlite_where=text("trial_number IS NOT NULL"),
        postgresql_where=text("trial_number IS NOT NULL"),
    ),
    Index(
        "ix_events_revision",
        "study_id",
        "revision",
        unique=True,
        sqlite_where=text("revision IS NOT NULL"),
        postgresql_where=text("revision IS NOT NULL"),
    ),
    sqlite_autoincrement=True,  # readers page by id
)

# What early-stopping rules said of trials; `stop` false: it goes on.
decisions = Table(
    "decisions",
    metadata,
    Column("id", _ID, primary_key=True),
    _study(),
    _required("trial_number", BigInteger),
    _required("attempt", BigInteger),
    _required("rule"),
    _required("stop", Boolean),
    _required("reason"),
    Column("predicted", Double),
    Column("step", BigInteger),
    _required("time", Double),
    Column("complete", Boolean, server_default=false(), nullable=False),
    Index("ix_decisions_study", "study_id", "id"),
    Index("ix_decisions_trial", "study_id", "trial_number", "id"),
    sqlite_autoincrement=True,  # readers page by id
)

# Attempts that workers took. When the lease runs out is not here: whoever drives the study gives a full one anew.
worker_leases = Table(
    "worker_leases",
    metadata,
    Column("trial", Text, primary_key=True),
    Column("attempt", BigInteger, primary_key=True, autoincrement=False),
    _study(),
    _required("worker"),
    _required("seconds", Double),
    _required("acquired", Double),
    Column("completed", Double),
    Column("exit_status", BigInteger),
    Column("failure_class", Text),
    _required("message"),
    Index("ix_worker_leases_study", "study_id"),
    sqlite_with_rowid=False,
)

leases = Table(
    "leases",
    metadata,
    Column("uid", Text, primary_key=True),
    _required("owner"),
    _required("epoch", BigInteger),
    _required("expires", Double),
    sqlite_with_rowid=False,
)

requests = Table(
    "requests",
    metadata,
    Column("id", Text, primary_key=True),
    _required("method"),
    _required("reply", LargeBinary),
    _required("time", Double),
    Index("ix_requests_time", "time"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Text, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    _required("role"),
    _required("created", Double),
)
