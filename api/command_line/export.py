"""`omnichannel export`: the published tables as Parquet, for whatever cannot open DuckDB's file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import cyclopts

from pipelines.settings import AnalyticsSettings
from warehouse.export import LATEST
from warehouse.export import export as export_marts


def export(
    *,
    to: Annotated[Path, cyclopts.Parameter(help="Where exports lie; `latest` is the newest.")],
    keep: Annotated[
        int,
        cyclopts.Parameter(
            help="How many exports stay, this one included.",
            validator=cyclopts.validators.Number(gte=1),
        ),
    ] = 2,
) -> None:
    """Write every table of the published copy as a Parquet file, all of the same refresh."""
    report = export_marts(AnalyticsSettings().published_path, to, now=datetime.now(UTC), keep=keep)
    print(
        f"Exported {len(report.rows)} tables, {sum(report.rows.values()):,} rows, "
        f"{report.size_bytes / 1e6:,.1f} MB in {report.seconds:.1f} s to {report.folder} "
        f"({to / LATEST} leads there)."
    )
