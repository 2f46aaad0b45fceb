"""What Dagster shows and runs: real definitions, nothing executed."""

import shutil
from functools import cache
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.assets.layers import WAREHOUSE_POOL
from dagster_project.assets.marts import marts
from dagster_project.assets.published import analytics
from dagster_project.assets.raw import raw_tables
from dagster_project.assets.restated import restated_days
from dagster_project.checks import CHECKS, guarded, mart_checks, raw_checks
from dagster_project.definitions import defs
from dagster_project.reconciliation import stream_and_warehouse_agree
from tests.unit.dagster_project.world import NOW
from warehouse.checks import Check
from warehouse.connection import open_memory
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

REPOSITORY = Path(__file__).parents[3]
KEYS = [
    "analytics",
    "charts",
    "marts/activity",
    "marts/activity_heat_map",
    "marts/channel_days",
    "marts/channel_performance",
    "marts/channels",
    "marts/conversations",
    "marts/customer_days",
    "marts/customer_events",
    "marts/customer_evidence",
    "marts/customer_identities",
    "marts/customer_links",
    "marts/customer_stats",
    "marts/customer_weeks",
    "marts/customers",
    "marts/customers_by_channel_count",
    "marts/dead_letters",
    "marts/erased_customers",
    "marts/growth",
    "marts/growth_days",
    "marts/identity_health",
    "marts/identity_owners",
    "marts/lifecycle",
    "marts/link_suggestions",
    "marts/links_by_rule",
    "marts/merged_customers",
    "marts/message_hours",
    "marts/messages",
    "marts/replies",
    "marts/retention",
    "raw/conversations",
    "raw/customer_events",
    "raw/customer_messages",
    "raw/customers",
    "raw/dead_letters",
    "raw/erased_customers",
    "raw/ingest_offsets",
    "raw/link_suggestions",
    "raw/policies",
    "raw/rejected_rows",
    "restated_days",
    "streams/channel_notices",
    "streams/conversations",
    "streams/customer_events",
    "streams/customer_messages",
    "streams/customers",
    "streams/dead_letters",
    "streams/link_suggestions",
    "streams/policies",
]
# What no mart reads: bookkeeping, and what others show.
UNREAD = {"raw/ingest_offsets", "raw/policies", "raw/rejected_rows"}
KINDS = {"duckdb", "kafka", "matplotlib", "python", "sql"}
SPECS = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
CHECK_SPECS = [*raw_checks.check_specs, *mart_checks.check_specs]


@cache
def tables() -> dict[str, dict[str, str]]:
    """Return the types of every table's columns as they are made, by the asset's key."""
    with open_memory() as connection:
        refresh(connection, now=NOW, time_zones=TimeZones())
        found: dict[str, dict[str, str]] = {}
        for schema, table, column, kind in connection.execute(
            "select schema_name, table_name, column_name, lower(data_type) from duckdb_columns()"
        ).fetchall():
            name = kind.replace("timestamp with time zone", "timestamptz")
            found.setdefault(f"{schema}/{table}", {})[column] = name
    return found


def test_definitions_are_sound() -> None:
    dg.Definitions.validate_loadable(defs)


def test_asset_keys_are_these() -> None:
    assert sorted(SPECS) == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_asset_says_what_it_is_and_whose(key: str) -> None:
    spec = SPECS[key]
    assert spec.description
    assert spec.group_name in {"streams", "raw", "marts", "published"}
    assert list(spec.owners) == ["team:data"]
    assert spec.kinds
    assert all(kind in KINDS for kind in spec.kinds)


@pytest.mark.parametrize("key", [key for key in KEYS if key.startswith(("raw/", "marts/"))])
def test_table_says_what_each_column_means_before_it_is_made(key: str) -> None:
    schema = SPECS[key].metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    told = {column.name: column.description for column in schema.columns}
    made = tables()[key]
    assert set(told) == set(made)
    assert all(told.values())
    if key.startswith("marts/"):
        assert {column.name: column.type for column in schema.columns} == made


def test_what_people_read_has_a_time_by_which_it_must_be_new() -> None:
    served = [key for key in KEYS if key.startswith("marts/")] + ["analytics", "charts"]
    assert [key for key in KEYS if SPECS[key].freshness_policy] == sorted(served)


def test_lineage_goes_from_topics_to_the_published_copy() -> None:
    def reads(key: str) -> list[str]:
        return sorted(dep.asset_key.to_user_string() for dep in SPECS[key].deps)

    assert reads("raw/customer_messages") == ["streams/customer_messages"]
    assert reads("marts/customers") == ["raw/customers"]
    assert "marts/identity_owners" in reads("marts/messages")
    marts_read = [key for key in KEYS if key.startswith("marts/")]
    assert reads("analytics") == [*marts_read, "restated_days"]
    assert reads("charts") == ["analytics"]
    assert reads("restated_days") == [
        key for key in KEYS if key.startswith("raw/") and key not in UNREAD
    ]


def test_every_table_has_a_check_where_it_is_loaded_or_shown() -> None:
    tables = {SPECS[key].key.path[-1] for key in KEYS if key.startswith(("marts/", "raw/"))}
    assert tables - {spec.asset_key.path[-1] for spec in CHECK_SPECS} == {
        "customer_messages"  # the checks of the mart `messages` count these
    }


def test_every_check_of_the_warehouse_is_run() -> None:
    assert sorted(spec.name for spec in CHECK_SPECS) == sorted(CHECKS)
    assert all(spec.description for spec in CHECK_SPECS)


def test_check_of_no_asset_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"assert_x\.sql .* say in _GUARDED which one"):
        guarded(Check("x", "nothing", "select 1"))


def test_whatever_opens_the_warehouse_waits_for_its_turn() -> None:
    openers = (raw_tables, raw_checks, marts, mart_checks, analytics)
    others = (restated_days, stream_and_warehouse_agree)
    assert {step.op.pool for step in (*openers, *others)} == {WAREHOUSE_POOL}
    job = defs.resolve_job_def("load_and_refresh")
    assert {node.name for node in job.graph.nodes} == {step.op.name for step in openers}


def test_instance_lets_one_run_at_a_time_have_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(REPOSITORY / ".dagster" / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as instance:
        pools = instance.get_concurrency_config().pool_config
        assert not instance.telemetry_enabled
    assert pools.default_pool_limit == 1
    assert pools.pool_granularity is not None
    assert pools.pool_granularity.value == "run"
