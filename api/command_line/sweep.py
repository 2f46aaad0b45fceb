"""`omnichannel sweep`: what Kafka still holds of erased people is removed."""

import time
from typing import Annotated

import cyclopts
from rich.console import Console

from pipelines.settings import AnalyticsSettings
from pipelines.sweep import SweepReport
from pipelines.sweep import sweep as sweep_topics
from streams.cluster import ClusterSettings


def sweep(
    *,
    at_once: Annotated[
        bool,
        cyclopts.Parameter(
            negative=(), help="Also what was asked for just now; sweep again an hour later."
        ),
    ] = False,
) -> None:
    """Remove from the topics what is about people who were erased since the last sweep."""
    settles_after_seconds = 0.0 if at_once else AnalyticsSettings().erasure_settles_seconds
    with Console(stderr=True).status("looking for erasures") as status:
        report = sweep_topics(
            ClusterSettings(),
            now_ms=int(time.time() * 1000),
            settles_after_ms=int(settles_after_seconds * 1000),
            on_progress=lambda read, of: status.update(f"sweeping: {read:,} of {of:,} records"),
        )
    print(said(report))


def said(report: SweepReport) -> str:
    """Return what a sweep did, as a sentence."""
    if not report.identities:
        return "Nobody was erased since the last sweep."
    removed = ", ".join(f"{count:,} of {topic}" for topic, count in report.removed.items())
    return (
        f"Removed what {report.read:,} records say of {report.identities:,} erased identities: "
        f"{removed}. Compaction takes them from the disk within seven days."
    )
