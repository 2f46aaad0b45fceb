"""Everything that Dagster runs, put together: `DAGSTER_HOME="$PWD/.dagster" dagster dev`.

Owns the wiring only.
"""

from typing import Final

import dagster as dg

from dagster_project.alerts import failed_checks, failed_runs
from dagster_project.assets.charts import charts
from dagster_project.assets.marts import marts
from dagster_project.assets.published import analytics
from dagster_project.assets.raw import raw_tables
from dagster_project.assets.restated import restated_days
from dagster_project.assets.topics import OUTPUT_TOPICS
from dagster_project.checks import mart_checks, raw_checks
from dagster_project.lag import backlog
from dagster_project.reconciliation import every_morning, reconcile, stream_and_warehouse_agree
from dagster_project.resources import KafkaCluster, WarehouseFile
from dagster_project.schedules import (
    every_early_morning,
    every_two_minutes,
    load_and_refresh,
    rebuild_marts,
    restate_days,
)
from dagster_project.sweep import every_night, sweep_erased

defs: Final = dg.Definitions(
    assets=[*OUTPUT_TOPICS, raw_tables, marts, restated_days, analytics, charts],
    asset_checks=[raw_checks, mart_checks, stream_and_warehouse_agree],
    jobs=[load_and_refresh, rebuild_marts, restate_days, reconcile, sweep_erased],
    schedules=[every_two_minutes, every_early_morning, every_morning, every_night],
    sensors=[backlog, failed_runs, failed_checks],
    resources={
        "kafka": KafkaCluster(),
        "warehouse": WarehouseFile(),
        "warehouse_reader": WarehouseFile(read_only=True),
    },
)
