"""Stream against warehouse: the fold of the log, and what a broken row looks like."""

from collections.abc import Iterator
from datetime import timedelta

import duckdb
import pytest

from pipelines.batch import Partition
from pipelines.coverage import Coverage, coverage_of
from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from pipelines.reconcile import TenantComparison, compare, fold
from pipelines.sink import Position, TopicState
from tests.unit.pipelines.builders import (
    START,
    FakeRecord,
    batch,
    chunk,
    customer,
    erasure,
    identity,
    record,
)
from warehouse.connection import open_memory

LOG = [
    record(0, customer("c1"), key="c1"),
    record(1, customer("c2", tenant_id="umbrella"), key="c2"),
    record(2, customer("c1", version=3, created_at=START + timedelta(days=1)), key="c1"),
    record(3, customer("c1", version=2), key="c1"),  # sent again, late
    record(4, customer("c3", merged_into="c1", identities=()), key="c3"),
    record(5, customer("c4", identities=(identity("+551188887777"),)), key="c4"),
    record(6, None, key="c4"),
    record(7, b"no JSON", key="c5"),
]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a warehouse into which the log was loaded."""
    with open_memory() as opened:
        DuckDbSink(opened, tables_by_topic("")).write(batch(chunk("customers", LOG)))
        yield opened


def compared(
    connection: duckdb.DuckDBPyConnection, log: list[FakeRecord] = LOG
) -> dict[str, TenantComparison]:
    folded: dict[str, dict[str, object]] = {}
    fold(folded, log)
    return {one.tenant_id: one for one in compare(connection, folded)}


def test_what_was_loaded_agrees_tenant_by_tenant(connection: duckdb.DuckDBPyConnection) -> None:
    found = compared(connection)

    assert {tenant: one.agrees for tenant, one in found.items()} == {
        "acme": True,
        "umbrella": True,
    }
    acme = found["acme"].stream
    assert (acme.customers, acme.merged_customers, acme.identities) == (1, 1, 1)


@pytest.mark.parametrize(
    "damage",
    [
        "delete from raw.customers where customer_id = 'c1'",
        "update raw.customers set last_seen_at = '2026-01-01' where customer_id = 'c1'",
        "update raw.customers set identities = [] where customer_id = 'c1'",
        "update raw.customers set status = 'merged' where customer_id = 'c1'",
        "update raw.customers set version = 2 where customer_id = 'c1'",
    ],
)
def test_one_wrong_row_is_named_and_other_tenants_are_not(
    connection: duckdb.DuckDBPyConnection, damage: str
) -> None:
    connection.execute(damage)

    found = compared(connection)

    assert not found["acme"].agrees
    assert found["acme"].examples == ("c1",)
    assert found["umbrella"].agrees


def test_row_in_the_wrong_tenant_is_named_in_the_right_one(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("update raw.customers set tenant_id = 'initech' where customer_id = 'c2'")

    found = compared(connection)

    assert found["umbrella"].examples == ("c2",)
    assert not found["initech"].agrees


def test_customer_whom_only_the_warehouse_has_is_named(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = compared(connection, LOG[1:2])

    assert found["acme"].examples == ("c1", "c3")


def test_erasure_that_came_before_the_topics_own_removal_agrees(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    erased = chunk("customer-events", [record(0, erasure("c1"), key="c1")])
    DuckDbSink(connection, tables_by_topic("")).write(batch(erased))

    assert compared(connection)["acme"].agrees


@pytest.mark.parametrize(
    ("loaded", "waiting", "is_sound"),
    [(10, 5, True), (15, 0, True), (4, 10, False), (16, 0, False)],
)
def test_partition_is_sound_between_its_first_offset_and_its_end(
    loaded: int, waiting: int, *, is_sound: bool
) -> None:
    found = Coverage(Partition("customers", 0), 5, loaded, 15)

    assert (found.waiting, found.is_sound) == (waiting, is_sound)


def test_partition_that_was_never_loaded_waits_whole() -> None:
    old, new = Partition("customers", 0), Partition("customers", 1)
    states = {"customers": TopicState("id", {old: (0, 8), new: (3, 9)})}

    found = coverage_of(states, {old: Position(8, "id")})

    assert [(one.partition, one.waiting) for one in found] == [(old, 0), (new, 6)]
