"""`omnichannel reconcile`: does the warehouse hold what the stream says?"""

import sys

from rich.console import Console
from rich.table import Table

from pipelines.reconcile import Reconciliation
from pipelines.reconcile import reconcile as reconcile_with_stream
from pipelines.settings import AnalyticsSettings
from streams.cluster import ClusterSettings
from warehouse.connection import open_reader


def reconcile() -> None:
    """Compare every tenant's customers on the topic with the loader's file; status 1 if they
    differ.
    """
    with (
        open_reader(AnalyticsSettings().warehouse_path) as connection,
        Console(stderr=True).status("reading the customers") as status,
    ):
        found = reconcile_with_stream(
            ClusterSettings(),
            connection,
            on_progress=lambda read: status.update(f"comparing: {read:,} records read"),
        )
    Console().print(_table(found))
    for line in said(found):
        print(line)
    if not found.agrees:
        sys.exit(1)


def said(found: Reconciliation) -> list[str]:
    """Return what was found, as sentences."""
    lines = [
        f"{one.tenant_id}: {one.differing:,} customers differ: {', '.join(one.examples)}"
        for one in found.tenants
        if not one.agrees
    ]
    lines += [
        f"{one.partition.topic}[{one.partition.number}] holds {one.first_offset} to "
        f"{one.end_offset}, but {one.loaded_offset} is next to load: records were deleted before "
        "that, or the topic was made anew; `omnichannel load --until-caught-up` says what to do"
        for one in found.coverage
        if not one.is_sound
    ]
    lines.append(f"{found.waiting:,} records wait to be loaded.")
    lines.append(
        "The stream and the warehouse agree."
        if found.agrees
        else "They differ: move the warehouse's folder away and load anew; keep it to look into."
    )
    return lines


def _table(found: Reconciliation) -> Table:
    table = Table("tenant", "", "customers", "merged", "identities", "last seen (checksum)")
    for one in found.tenants:
        for side, figures in (("stream", one.stream), ("warehouse", one.warehouse)):
            table.add_row(
                one.tenant_id if side == "stream" else "",
                side,
                f"{figures.customers:,}",
                f"{figures.merged_customers:,}",
                f"{figures.identities:,}",
                f"{figures.last_seen_checksum:016x}",
            )
    return table
