"""The copy for people: the marts, described, in a file that is swapped in whole.

Readers of the old file keep it until they close it; nobody ever sees half a copy, or is kept out.
"""

import logging
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from warehouse.connection import quoted
from warehouse.model_files import Model, models

logger = logging.getLogger(__name__)

# The newest format that DuckDB 1.2 and later read: analysts need not upgrade with us.
_STORAGE_VERSION: Final = "v1.2.0"
_COPY: Final = "published_copy"


@dataclass(frozen=True, slots=True)
class PublishReport:
    """What was published: rows by table, the file's size, and how long it took."""

    path: Path
    rows: Mapping[str, int]
    size_bytes: int
    seconds: float


def publish(connection: duckdb.DuckDBPyConnection, target: Path) -> PublishReport:
    """Put a consistent copy of the marts in the target's place, at once."""
    started = time.perf_counter()
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    building = target.with_name(f"{target.name}.{uuid.uuid4().hex}.building")
    connection.execute(
        f"attach {quoted(str(building))} as {_COPY} (storage_version {quoted(_STORAGE_VERSION)})"
    )
    try:
        rows = _copy_marts(connection)
        connection.execute(f"checkpoint {_COPY}")
    finally:
        connection.execute(f"detach {_COPY}")
    _sync(building)
    building.replace(target)
    _sync(target.parent)
    size_bytes = target.stat().st_size
    seconds = time.perf_counter() - started
    logger.info(
        "published %d tables, %d bytes, to %s in %.0f ms",
        len(rows),
        size_bytes,
        target,
        seconds * 1000,
    )
    return PublishReport(target, rows, size_bytes, seconds)


def _copy_marts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Copy every mart in one transaction, so that all are of the same refresh."""
    rows = {}
    connection.begin()
    try:
        for model in models():
            if model.schema != "marts":
                continue
            count = connection.execute(
                f"create table {_COPY}.{model.name} as from {model.qualified}"
            ).fetchall()
            rows[model.name] = int(count[0][0])
            _describe(connection, model)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return rows


def _describe(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Write purpose and columns' meaning into the catalogue, where tools show them."""
    table = f"{_COPY}.{model.name}"
    about = f"{model.purpose} One row per {', '.join(model.grain)}."
    comments = [f"comment on table {table} is {quoted(about)}"]
    comments += [
        f"comment on column {table}.{column} is {quoted(description)}"
        for column, description in model.described
    ]
    connection.execute(";".join(comments))


def _remove_leftovers(target: Path) -> None:
    """Remove what a run left that was ended while it built."""
    for leftover in target.parent.glob(f"{target.name}.*.building*"):
        leftover.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the disk hold it before anybody relies on it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
