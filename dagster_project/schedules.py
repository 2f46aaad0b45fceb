"""When it all runs: load, refresh and publish, every two minutes; all marts anew, every night.

Owns the rhythm and when not to; nothing here reads or writes data.
"""

from typing import Final

import dagster as dg

from dagster_project.assets.charts import charts
from dagster_project.assets.published import analytics
from dagster_project.assets.restated import restated_days
from dagster_project.checks import mart_checks
from dagster_project.partitions import DAYS
from dagster_project.reconciliation import RECONCILIATION
from pipelines.settings import AnalyticsSettings

_RESTATED: Final = dg.AssetSelection.assets(restated_days)
_CHARTS: Final = dg.AssetSelection.assets(charts)
# One process a run: starting one for each of the five steps would take longer than the steps.
load_and_refresh: Final = dg.define_asset_job(
    "load_and_refresh",
    selection=dg.AssetSelection.all() - RECONCILIATION - _RESTATED - _CHARTS,
    executor_def=dg.in_process_executor,
    description="Kafka into the raw tables, the marts from them, and the published copy.",
    # A load that was stopped goes on where it ended, so a generous limit costs nothing.
    tags={"dagster/max_runtime": "3600"},
)
# Says the same as the refreshes before it, whatever happened to the file meanwhile.
rebuild_marts: Final = dg.define_asset_job(
    "rebuild_marts",
    selection=dg.AssetSelection.groups("marts", "published") - _RESTATED,
    executor_def=dg.in_process_executor,
    config={"ops": {"marts": {"config": {"rebuild": True}}}},
    description="All marts anew from the raw tables, the published copy, and its charts.",
    tags={"dagster/max_runtime": "3600"},
)
# Asked for by a person, with the days.
restate_days: Final = dg.define_asset_job(
    "restate_days",
    selection=_RESTATED
    | dg.AssetSelection.assets(analytics).without_checks()
    | dg.AssetSelection.checks(mart_checks),
    partitions_def=DAYS,
    executor_def=dg.in_process_executor,
    description="The days that it is given, anew from the raw tables, and the published copy.",
    tags={"dagster/max_runtime": "3600"},
)
every_early_morning: Final = dg.ScheduleDefinition(
    name="every_early_morning",
    job=rebuild_marts,
    cron_schedule="10 4 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
GOING_ON: Final = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dg.schedule(
    job=load_and_refresh,
    cron_schedule="*/2 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def every_two_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run, unless analytics are off or the last run still goes on."""
    if not AnalyticsSettings().customer_analytics_enabled:
        return dg.SkipReason("analytics are off: CUSTOMER_ANALYTICS_ENABLED=false")
    going_on = dg.RunsFilter(job_name=load_and_refresh.name, statuses=GOING_ON)
    if context.instance.get_runs_count(going_on):
        return dg.SkipReason("the last run still goes on: what it does not load, the next one does")
    return dg.RunRequest()
