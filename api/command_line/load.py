"""`omnichannel load`: Kafka into the warehouse, once or again and again."""

import logging
import time
from datetime import UTC, datetime
from typing import Annotated

import cyclopts
from rich.console import Console

from pipelines.errors import BrokerUnreachableError
from pipelines.load import AnalyticsOff, LoadAndRefreshReport, load_and_refresh
from pipelines.settings import AnalyticsSettings
from pipelines.sink import LoadedBatch
from streams.cluster import ClusterSettings
from streams.logs import configure_logging
from streams.settings import WorkerSettings

logger = logging.getLogger(__name__)


def load(
    *,
    until_caught_up: Annotated[
        bool, cyclopts.Parameter(negative=(), help="Load what there is now, then end.")
    ] = False,
    every_seconds: Annotated[
        float,
        cyclopts.Parameter(
            help="Between loads, otherwise.", validator=cyclopts.validators.Number(gt=0)
        ),
    ] = 60.0,
) -> None:
    """Load customers and messages, bring the figures up to date, publish them."""
    cluster, settings = ClusterSettings(), AnalyticsSettings()
    if until_caught_up:
        _load_once(cluster, settings)
    else:
        _load_repeatedly(cluster, settings, every_seconds)


def _load_once(cluster: ClusterSettings, settings: AnalyticsSettings) -> None:
    read = 0
    with Console(stderr=True).status("loading") as status:

        def show(batch: LoadedBatch) -> None:
            nonlocal read
            read += sum(table.read for table in batch.tables)
            status.update(f"loading: {read:,} records read")

        report = load_and_refresh(cluster, settings, now=_now, on_batch=show)
    print(said(report))


def _load_repeatedly(
    cluster: ClusterSettings, settings: AnalyticsSettings, every_seconds: float
) -> None:
    worker = WorkerSettings()
    configure_logging(debug=worker.debug, file=worker.log_file)
    while True:
        try:
            report = load_and_refresh(cluster, settings, now=_now)
        except BrokerUnreachableError as err:
            logger.warning("%s; trying again in %g s", err, every_seconds)
        else:
            logger.info("%s", said(report))
            if isinstance(report, AnalyticsOff):
                return
        try:
            time.sleep(every_seconds)
        except KeyboardInterrupt:
            return


def said(report: LoadAndRefreshReport | AnalyticsOff) -> str:
    """Return what a load did, as a sentence."""
    if isinstance(report, AnalyticsOff):
        return "Analytics are off (CUSTOMER_ANALYTICS_ENABLED=false): nothing was loaded."
    loaded, rejected = (sum(rows.values()) for rows in (report.load.loaded, report.load.rejected))
    aside = f", {rejected:,} set aside" if rejected else ""
    return (
        f"Loaded {loaded:,} rows in {report.load.seconds:.1f} s{aside}, refreshed in "
        f"{report.refresh.seconds:.1f} s, published to {report.publish.path}."
    )


def _now() -> datetime:
    return datetime.now(UTC)
