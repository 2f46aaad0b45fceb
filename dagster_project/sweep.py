"""Erased people off the topics, once a day: a job of its own, for it opens no warehouse."""

import time
from typing import Any, Final

import dagster as dg

from dagster_project.assets.layers import RETRIES
from dagster_project.resources import KafkaCluster
from pipelines.settings import AnalyticsSettings
from pipelines.sweep import sweep


@dg.op(retry_policy=RETRIES)
def sweep_topics(context: dg.OpExecutionContext, kafka: KafkaCluster) -> None:
    """Remove from Kafka what it still holds of people who were erased since the last sweep."""
    settles_after_seconds = AnalyticsSettings().erasure_settles_seconds
    report = sweep(
        kafka.settings,
        now_ms=int(time.time() * 1000),
        settles_after_ms=int(settles_after_seconds * 1000),
    )
    told: dict[str, Any] = {
        "identities_erased": report.identities,
        "records_read": report.read,
        "records_unreadable": report.unreadable,
        "seconds": round(report.seconds, 3),
        **{f"removed_from_{topic}": count for topic, count in report.removed.items()},
    }
    context.add_output_metadata(told)


@dg.job(
    executor_def=dg.in_process_executor,
    description="Records of erased people leave the topics.",
    tags={"dagster/max_runtime": "3600"},
)
def sweep_erased() -> None:
    """Remove erased people from the topics."""
    sweep_topics()


every_night: Final = dg.ScheduleDefinition(
    name="every_night",
    job=sweep_erased,
    cron_schedule="30 3 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
