"""The marts: every model of the warehouse, brought up to date together in one transaction.

Owns the keys and the lineage as the SQL headers tell it; the SQL is warehouse's.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg

from dagster_project.assets.layers import (
    OWNERS,
    RETRIES,
    SERVED_FRESH,
    WAREHOUSE_POOL,
    schema_of,
    table_metadata,
)
from dagster_project.resources import WarehouseFile
from warehouse.model_files import Model, models
from warehouse.runner import refresh

_MODELS: Final[Mapping[str, Model]] = {model.qualified: model for model in models()}


def mart_key(name: str) -> dg.AssetKey:
    """Return a mart's key."""
    return dg.AssetKey(["marts", name])


def sources_of(model: Model) -> set[dg.AssetKey]:
    """Return what a model reads; staging views are looked through, down to the raw tables."""
    found: set[dg.AssetKey] = set()
    for read in model.reads:
        schema, _, name = read.partition(".")
        if schema != "staging":
            found.add(dg.AssetKey([schema, name]))
        elif (view := _MODELS.get(read)) is not None:
            found |= sources_of(view)
    return found


MARTS: Final = tuple(model for model in _MODELS.values() if model.schema == "marts")
SPECS: Final = tuple(
    dg.AssetSpec(
        key=mart_key(model.name),
        deps=sorted(sources_of(model)),
        description=f"{model.purpose} One row per {', '.join(model.grain)}.",
        group_name="marts",
        owners=OWNERS,
        kinds={"duckdb", "sql"},
        metadata=schema_of(model.types, dict(model.described)),
        freshness_policy=SERVED_FRESH,
        code_version=hashlib.sha256(model.query.encode()).hexdigest()[:12],
    )
    for model in MARTS
)


class RefreshConfig(dg.Config):
    """Whether to make everything anew, or what changed since the last refresh."""

    rebuild: bool = False


@dg.multi_asset(specs=SPECS, name="marts", pool=WAREHOUSE_POOL, retry_policy=RETRIES)
def marts(config: RefreshConfig, warehouse: WarehouseFile) -> Iterator[dg.MaterializeResult[Any]]:
    """Bring all marts up to date as of now."""
    with warehouse.connection() as connection:
        report = refresh(
            connection,
            now=datetime.now(UTC),
            time_zones=warehouse.settings.time_zones,
            rebuild=config.rebuild,
        )
        for model in MARTS:
            yield dg.MaterializeResult(
                asset_key=mart_key(model.name),
                metadata={
                    **table_metadata(connection, model.qualified, dict(model.described)),
                    "as_of": dg.MetadataValue.timestamp(report.as_of),
                    "refresh_seconds": round(report.seconds, 3),
                    "seconds": round(report.seconds_by_model[model.name], 3),
                    "is_rebuild": report.is_rebuild,
                },
            )
