"""The warehouse's checks as asset checks: two steps, one behind the load, one behind the refresh.

Owns which asset a check guards and which failure keeps the marts from being published; what is
asked is in warehouse/checks.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import dagster as dg

from dagster_project.assets import marts, raw
from dagster_project.assets.layers import RETRIES, WAREHOUSE_POOL
from dagster_project.assets.restated import restated_days
from dagster_project.resources import WarehouseFile
from warehouse.checks import Check, CheckResult, checks, run_check

_ROWS_SHOWN: Final = 5
_TABLE: Final = re.compile(r"\b(raw|marts)\.(\w+)")
_ASSETS: Final = frozenset(spec.key for spec in (*raw.SPECS, *marts.SPECS))

# A check guards the first table that it reads, but for these.
_GUARDED: Final = {
    "erased_customers_are_gone": raw.raw_key("erased_customers"),
    "events_are_all_there": marts.mart_key("customer_events"),
    "links_lead_to_their_customer": marts.mart_key("customer_links"),
    "messages_are_all_there": marts.mart_key("messages"),
    "rows_lie_below_the_offsets": raw.raw_key("ingest_offsets"),
    "stats_cover_every_tenant": marts.mart_key("customer_stats"),
}
# Only a defect of load or refresh can break these: then the last good copy stays published.
# The others tell of what is in the stream; holding back everybody's figures would not mend it.
_KEEPS_FROM_PUBLISHING: Final = frozenset(
    {
        "activity_windows_nest",
        "channel_days_hold_every_message",
        "channel_performance_adds_up",
        "channels_are_unique",
        "conversations_are_unique",
        "customer_days_hold_every_message",
        "customer_weeks_hold_every_day",
        "customers_are_unique",
        "dead_letters_are_unique",
        "erased_ids_are_unique",
        "events_are_all_there",
        "events_are_unique",
        "growth_counts_every_customer",
        "growth_periods_add_up",
        "heat_map_holds_every_message",
        "hours_hold_every_message",
        "identities_are_unique",
        "identities_have_a_customer",
        "identity_health_covers_every_customer",
        "identity_owners_are_unique",
        "lifecycle_adds_up",
        "links_by_rule_hold_every_link",
        "messages_are_all_there",
        "messages_are_unique",
        "numbers_of_channels_hold_every_customer",
        "policies_are_unique",
        "replies_are_unique",
        "retention_is_of_its_cohort",
        "rows_lie_below_the_offsets",
        "stats_cover_every_tenant",
        "suggestions_are_unique",
    }
)


def guarded(check: Check) -> dg.AssetKey:
    """Return the asset that a check is about."""
    if (known := _GUARDED.get(check.name)) is not None:
        return known
    for schema, name in _TABLE.findall(check.query):
        if (key := dg.AssetKey([schema, name])) in _ASSETS:
            return key
    raise ValueError(f"assert_{check.name}.sql reads no asset: say in _GUARDED which one it guards")


CHECKS: Final = {check.name: check for check in checks()}


def _specs(layer: str) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name=name,
            asset=key,
            description=check.catches,
            blocking=name in _KEEPS_FROM_PUBLISHING,
            # In a run that makes days anew, the question is how they are then.
            additional_deps=[restated_days] if layer == "marts" else [],
        )
        for name, check in CHECKS.items()
        if (key := guarded(check)).path[0] == layer
    ]


@dg.multi_asset_check(
    specs=_specs("raw"), can_subset=True, pool=WAREHOUSE_POOL, retry_policy=RETRIES
)
def raw_checks(
    context: dg.AssetCheckExecutionContext, warehouse_reader: WarehouseFile
) -> Iterator[dg.AssetCheckResult]:
    """Ask what must have no answer after a load."""
    yield from _asked(tuple(context.selected_asset_check_keys), warehouse_reader)


@dg.multi_asset_check(
    specs=_specs("marts"), can_subset=True, pool=WAREHOUSE_POOL, retry_policy=RETRIES
)
def mart_checks(
    context: dg.AssetCheckExecutionContext, warehouse_reader: WarehouseFile
) -> Iterator[dg.AssetCheckResult]:
    """Ask what must have no answer after a refresh."""
    yield from _asked(tuple(context.selected_asset_check_keys), warehouse_reader)


def _asked(
    keys: Sequence[dg.AssetCheckKey], warehouse: WarehouseFile
) -> Iterator[dg.AssetCheckResult]:
    with warehouse.connection() as connection:
        for key in sorted(keys):
            yield _answer(key, run_check(connection, CHECKS[key.name]))


def _answer(key: dg.AssetCheckKey, result: CheckResult) -> dg.AssetCheckResult:
    shown = [
        dg.TableRecord({name: str(value) for name, value in row.items()})
        for row in result.examples[:_ROWS_SHOWN]
    ]
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.holds,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "offending_rows": result.offending,
            **({"examples": dg.MetadataValue.table(shown)} if shown else {}),
        },
    )
