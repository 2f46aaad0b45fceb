"""Stream against warehouse, once a day: a check of its own, for it reads every customer again."""

from typing import Any, Final

import dagster as dg

from dagster_project.assets.layers import RETRIES, WAREHOUSE_POOL
from dagster_project.assets.raw import raw_key
from dagster_project.resources import KafkaCluster, WarehouseFile
from pipelines.reconcile import Reconciliation
from pipelines.reconcile import reconcile as reconcile_with_stream


@dg.asset_check(
    asset=raw_key("customers"),
    pool=WAREHOUSE_POOL,
    retry_policy=RETRIES,
    description="Every tenant's customers, identities and last-seen times are what the topic says, "
    "and no partition is loaded past its end or begins behind what is loaded.",
)
def stream_and_warehouse_agree(
    kafka: KafkaCluster, warehouse_reader: WarehouseFile
) -> dg.AssetCheckResult:
    """Fold the topic of customers again, and compare."""
    with warehouse_reader.connection() as connection:
        found = reconcile_with_stream(kafka.settings, connection)
    return dg.AssetCheckResult(
        passed=found.agrees, severity=dg.AssetCheckSeverity.ERROR, metadata=_told(found)
    )


def _told(found: Reconciliation) -> dict[str, Any]:
    unsound = [one for one in found.coverage if not one.is_sound]
    told: dict[str, Any] = {
        "records_read": found.records_read,
        "offsets_waiting": found.waiting,
        "partitions_unsound": len(unsound),
        "seconds": round(found.seconds, 3),
    }
    if found.tenants:
        told["tenants"] = dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "tenant": one.tenant_id,
                        "customers": one.stream.customers,
                        "customers_in_warehouse": one.warehouse.customers,
                        "identities": one.stream.identities,
                        "identities_in_warehouse": one.warehouse.identities,
                        "differing": one.differing,
                        "examples": ", ".join(one.examples),
                    }
                )
                for one in found.tenants
            ]
        )
    if unsound:
        told["unsound"] = dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "topic": one.partition.topic,
                        "partition": one.partition.number,
                        "first_offset": one.first_offset,
                        "loaded_offset": one.loaded_offset,
                        "end_offset": one.end_offset,
                    }
                )
                for one in unsound
            ]
        )
    return told


RECONCILIATION: Final = dg.AssetSelection.checks(stream_and_warehouse_agree)
reconcile: Final = dg.define_asset_job(
    "reconcile",
    selection=RECONCILIATION,
    executor_def=dg.in_process_executor,
    description="The warehouse against the stream, tenant by tenant.",
    tags={"dagster/max_runtime": "3600"},
)
every_morning: Final = dg.ScheduleDefinition(
    name="every_morning",
    job=reconcile,
    cron_schedule="10 5 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
