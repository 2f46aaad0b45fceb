"""A load ahead of its time where much has come: the schedule's two minutes are for quiet hours.

Owns when a backlog is worth a run; how far the load is, the offsets say.
"""

from typing import Final

import dagster as dg

from dagster_project.schedules import GOING_ON, load_and_refresh
from pipelines.coverage import coverage
from pipelines.errors import LoadError
from pipelines.settings import AnalyticsSettings
from streams.cluster import ClusterSettings
from warehouse.connection import open_reader
from warehouse.errors import WarehouseError

_SECONDS: Final = 30


@dg.sensor(
    job=load_and_refresh,
    minimum_interval_seconds=_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def backlog(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run where more records wait than LOAD_BACKLOG_RECORDS, and none is going on."""
    settings = AnalyticsSettings()
    if not settings.customer_analytics_enabled:
        return dg.SkipReason("analytics are off: CUSTOMER_ANALYTICS_ENABLED=false")
    if context.instance.get_runs_count(
        dg.RunsFilter(job_name=load_and_refresh.name, statuses=GOING_ON)
    ):
        return dg.SkipReason("a run goes on")
    try:
        with open_reader(settings.warehouse_path) as connection:
            waiting = sum(one.waiting for one in coverage(ClusterSettings(), connection))
    except (WarehouseError, LoadError) as error:
        return dg.SkipReason(str(error))
    if waiting < settings.load_backlog_records:
        return dg.SkipReason(f"{waiting:,} records wait: the schedule is soon enough")
    return dg.RunRequest(tags={"omnichannel/backlog": str(waiting)})
