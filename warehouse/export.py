"""The marts as Parquet files, for whatever reads those: each export a folder of its own, whole or
not there, and `latest` leads to the newest.

Owns that folder. Reads the published copy, so it waits for nobody and nobody waits for it.
"""

import json
import logging
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from warehouse.connection import connect_reader, quoted
from warehouse.disk import sync
from warehouse.errors import ExportFolderError, WarehouseOutdatedError
from warehouse.model_files import Model, models

logger = logging.getLogger(__name__)

LATEST: Final = "latest"
CONTENTS: Final = "tables.json"
_BUILDING: Final = ".building"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was exported: the folder, rows by table, and how long it took."""

    folder: Path
    rows: Mapping[str, int]
    size_bytes: int
    seconds: float


def export(published: Path, target: Path, *, now: datetime, keep: int = 2) -> ExportReport:
    """Put all tables of the published copy into a new folder under the target, then have `latest`
    lead there. The newest `keep` exports stay, so that who reads one can end.
    """
    started = time.perf_counter()
    latest = target / LATEST
    if latest.exists() and not latest.is_symlink():
        raise ExportFolderError(
            f"{latest} is there and is not an export's: choose another folder, or move it away"
        )
    target.mkdir(parents=True, exist_ok=True)
    for leftover in target.glob(f"*{_BUILDING}"):
        shutil.rmtree(leftover)
    name = f"{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    building, folder = target / f"{name}{_BUILDING}", target / name
    building.mkdir()
    connection = connect_reader(published)
    try:
        rows = _written(connection, building)
    finally:
        connection.close()
    _describe(building, rows, now)
    for path in (*building.iterdir(), building):
        sync(path)
    building.rename(folder)
    _lead(latest, name)
    _forget_older(target, name, keep)
    size_bytes = sum(path.stat().st_size for path in folder.iterdir())
    seconds = time.perf_counter() - started
    logger.info("exported %d tables to %s in %.0f ms", len(rows), folder, seconds * 1000)
    return ExportReport(folder, rows, size_bytes, seconds)


def _marts() -> list[Model]:
    return [model for model in models() if model.schema == "marts"]


def _written(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, int]:
    there = {row[0] for row in connection.execute("show tables").fetchall()}
    if missing := sorted({model.name for model in _marts()} - there):
        raise WarehouseOutdatedError(
            f"the published copy lacks {', '.join(missing)}: run "
            "`omnichannel load --until-caught-up`, which publishes it anew"
        )
    rows = {}
    for model in _marts():
        path = quoted(str(folder / f"{model.name}.parquet"))
        # In the order of the grain: the same rows make the same file, and neighbours compress well.
        counted = connection.execute(
            f"copy (from {model.name} order by {', '.join(model.grain)}) to {path} "
            "(format parquet, compression zstd)"
        ).fetchall()
        rows[model.name] = int(counted[0][0])
    return rows


def _describe(folder: Path, rows: Mapping[str, int], now: datetime) -> None:
    """Say what the tables and columns mean: Parquet has no comments."""
    tables: list[dict[str, Any]] = [
        {
            "table": model.name,
            "file": f"{model.name}.parquet",
            "purpose": model.purpose,
            "oneRowPer": list(model.grain),
            "rows": rows[model.name],
            "columns": dict(model.described),
        }
        for model in _marts()
    ]
    said = {"exportedAt": now.astimezone(UTC).isoformat(), "tables": tables}
    (folder / CONTENTS).write_text(
        json.dumps(said, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )


def _lead(latest: Path, name: str) -> None:
    """Have the link lead to the folder, at once."""
    made = latest.with_name(f"{name}{_BUILDING}-link")
    made.symlink_to(name, target_is_directory=True)
    made.replace(latest)
    sync(latest.parent)


def _forget_older(target: Path, name: str, keep: int) -> None:
    """Remove exports but for the newest; what has no contents of ours is not ours."""
    exports = sorted(
        path
        for path in target.iterdir()
        if path.is_dir()
        and not path.is_symlink()
        and (path / CONTENTS).is_file()
        and path.name != name
    )
    for path in exports[: max(len(exports) - (keep - 1), 0)]:
        shutil.rmtree(path)
