"""The tables of the run store, for SQLite and PostgreSQL alike.

What the engine searches by has a column; the rest is JSON text, so that a new field of a record needs no migration.
Times are seconds since the epoch (UTC).
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = ["events", "experiments", "jobs", "metadata", "resources", "runs", "schema"]

metadata = MetaData()

schema = Table("automl_bridge_schema", metadata, Column("version", Integer, primary_key=True))

runs = Table(
    "runs",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(32), nullable=False, unique=True),
    Column("backend", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created", Double, nullable=False),
    Column("updated", Double, nullable=False),
    # Who drives it (JSON of automl_bridge.runs.lease.Owner), and until when nobody else may.
    Column("owner", Text),
    Column("lease", Double, nullable=False, default=0.0),
    Column("cancelling", Boolean, nullable=False, default=False),
    # Written once.
    Column("spec", Text, nullable=False),
    Column("plan", Text, nullable=False),
    # Written often, or large.
    Column("progress", Text),
    Column("outcome", Text),
    # The remaining fields of a RunRecord, as one JSON object.
    Column("detail", Text, nullable=False),
    Index("runs_created", "created"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("plan", Text),
    # The remaining fields of a JobRecord, as one JSON object.
    Column("detail", Text, nullable=False),
)

resources = Table(
    "resources",
    metadata,
    Column("run", ForeignKey("runs.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("job", Text, nullable=False),
    Column("backend", Text, nullable=False),
    Column("temporary", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Double, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("runs.id"), nullable=False, index=True),
    Column("time", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message", Text, nullable=False),
)

# Comparisons. It came after stores of this schema were made: who writes makes it, who reads looks whether it is there.
experiments = Table(
    "experiments",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("created", Double, nullable=False),
    # An Experiment, as one JSON object.
    Column("content", Text, nullable=False),
)
