"""The real sink on a real DuckDB in memory; records come from builders, not from Kafka."""

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import duckdb
import msgspec
import pytest

from pipelines.duckdb_sink import STEPS, DuckDbSink
from pipelines.errors import OffsetsMovedError
from pipelines.raw_tables import ALL, tables_by_topic
from pipelines.sink import Sink
from tests.unit.pipelines.builders import (
    batch,
    chunk,
    conversation,
    customer,
    dead_letter,
    event,
    fact,
    identity,
    record,
)
from tests.unit.pipelines.fakes import SHAPES
from tests.unit.pipelines.sink_contract import SinkContract
from warehouse.connection import open_memory

NOW = datetime(2026, 10, 2, tzinfo=UTC)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_memory() as connection:
        yield connection


@pytest.fixture
def sink(connection: duckdb.DuckDBPyConnection) -> DuckDbSink:
    return DuckDbSink(connection, tables_by_topic(""), now=lambda: NOW)


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    return connection.execute(query).fetchall()


class TestDuckDbSink(SinkContract):
    """The contract, by the real one."""

    @pytest.fixture
    def sink(self, connection: duckdb.DuckDBPyConnection) -> DuckDbSink:
        self.connection = connection
        return DuckDbSink(connection, tables_by_topic(""))

    def counts(self, sink: Sink) -> dict[str, int]:
        del sink
        tables = {"customers": "customers", "customer-messages": "customer_messages"}
        tables["rejected"] = "rejected_rows"
        return {
            name: rows(self.connection, f"select count(*) from raw.{table}")[0][0]
            for name, table in tables.items()
        }


def test_a_customer_arrives_with_every_field(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    full = customer(custom_attributes={"plan": "gold", "city": "São Paulo"}, merged_ids=("c0",))
    sink.write(batch(chunk("customers", [record(0, full, key="c1")])))
    (row,) = rows(
        connection,
        "select display_name, identities[1].external_id, identities[1].last_inbound_at, phones, "
        'tags, custom_attributes, merged_ids, created_at, version, topic, "offset", loaded_at '
        "from raw.customers",
    )
    assert row == (
        "Ana",
        "+5511999998888",
        None,
        ["+5511999998888"],
        ["vip"],
        {"plan": "gold", "city": "São Paulo"},
        ["c0"],
        full.created_at,
        1,
        "customers",
        0,
        NOW,
    )


def test_every_topic_fills_its_table(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    loaded = sink.write(
        batch(
            chunk("customers", [record(0, customer())]),
            chunk("conversations", [record(0, conversation())]),
            chunk("customer-events", [record(0, event())]),
            chunk("customer-messages", [record(0, fact())]),
            chunk("dead-letters", [record(0, dead_letter())]),
        )
    )
    assert {one.table: one.loaded for one in loaded.tables} == {t.qualified: 1 for t in ALL}
    assert rows(connection, "select source_offset, raw from raw.dead_letters") == [(7, b"\xff{")]


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_columns_are_the_contracts_fields_and_the_tables_columns(
    connection: duckdb.DuckDBPyConnection, table: Any
) -> None:
    shape = SHAPES[table.topic.name]
    fields = {field.encode_name for field in msgspec.structs.fields(shape)} - {"schemaVersion"}
    assert {column.field.split(".")[0] for column in table.columns} == fields
    columns = rows(
        connection,
        "select column_name from duckdb_columns() "
        f"where schema_name = 'raw' and table_name = '{table.name}'",
    )
    provenance = {"topic", "partition", "offset", "loaded_at"}
    assert {name for (name,) in columns} == {c.name for c in table.columns} | provenance


@pytest.mark.parametrize("versions", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
@pytest.mark.parametrize("together", [True, False])
def test_the_newest_version_wins_in_any_order(
    connection: duckdb.DuckDBPyConnection,
    sink: DuckDbSink,
    versions: tuple[int, ...],
    together: bool,
) -> None:
    records = [record(n, customer(version=v, name=f"v{v}")) for n, v in enumerate(versions)]
    batches = [records] if together else [[one] for one in records]
    for part in batches:
        sink.write(batch(chunk("customers", part)))
    assert rows(connection, "select display_name from raw.customers") == [("v3",)]


@pytest.mark.parametrize("together", [True, False])
def test_of_equal_versions_the_later_offset_wins(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink, together: bool
) -> None:
    records = [record(0, customer(name="first")), record(1, customer(name="second"))]
    for part in [records] if together else [[one] for one in records]:
        sink.write(batch(chunk("customers", part)))
    assert rows(connection, "select display_name from raw.customers") == [("second",)]


def test_a_customer_that_returns_behind_a_removal_is_kept(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    records = [
        record(0, customer(version=9), key="c1"),
        record(1, None, key="c1"),
        record(2, customer(version=2), key="c1"),
    ]
    sink.write(batch(chunk("customers", records)))
    assert rows(connection, "select version from raw.customers") == [(2,)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"", "not a JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "no value"),
        (b"[1]", "no usable tenantId"),
        (b"5", "no usable tenantId"),
        (b'{"tenantId": "acme"}', "no usable channelId"),
        (b'{"tenantId": NaN}', "no usable channelId"),
        (msgspec.json.encode(fact()).replace(b"2026-10-01T09:00:00Z", b"soon"), "no usable sentAt"),
        (
            msgspec.json.encode(fact()).replace(b"2026-10-01T09:00:00Z", b"infinity"),
            "no usable sentAt",
        ),
        (b"[" * 100_000, "not a JSON object"),
        (b'{"tenantId": "\\ud800"}', "not a JSON object"),
    ],
)
def test_a_rejected_row_keeps_its_bytes_and_the_reason(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink, value: bytes | None, reason: str
) -> None:
    sink.write(batch(chunk("customer-messages", [record(4, value), record(5, fact())])))
    assert rows(
        connection, 'select topic, "partition", "offset", reason, key, value from raw.rejected_rows'
    ) == [("customer-messages", 0, 4, reason, b"k", value)]
    assert rows(connection, "select message_id from raw.customer_messages") == [("m1",)]


def test_a_message_of_ten_megabytes_with_any_text_is_loaded(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    text = "\0'\"\\$1 {} 🙂" + "x" * 10_000_000
    sink.write(batch(chunk("customer-messages", [record(0, fact(text=text))])))
    assert rows(connection, "select text from raw.customer_messages") == [(text,)]


def test_fields_we_do_not_know_are_no_reason_to_reject(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    newer = msgspec.json.decode(msgspec.json.encode(customer(identities=(identity(),))))
    newer["loyalty"] = {"points": 7}
    newer["identities"][0]["verified"] = True
    sink.write(batch(chunk("customers", [record(0, msgspec.json.encode(newer))])))
    assert rows(connection, "select count(*) from raw.customers") == [(1,)]


@pytest.mark.parametrize("step", [step for step in STEPS if step != "committed"])
def test_a_failure_at_any_step_leaves_nothing_and_the_sink_usable(
    connection: duckdb.DuckDBPyConnection, step: str
) -> None:
    def fail(at: str) -> None:
        if at == step:
            raise OSError("disk full")

    failing = DuckDbSink(connection, tables_by_topic(""), on_step=fail)
    work = batch(chunk("customers", [record(0, customer())]))
    with pytest.raises(OSError, match="disk full"):
        failing.write(work)
    sink = DuckDbSink(connection, tables_by_topic(""))
    assert sink.positions() == {}
    assert rows(connection, "select count(*) from raw.customers") == [(0,)]
    sink.write(work)
    assert rows(connection, "select count(*) from raw.customers") == [(1,)]


def test_of_two_loaders_at_once_one_stops_and_nothing_doubles(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    facts = batch(chunk("customer-messages", [record(0, fact()), record(1, fact("m2"))]))

    def interrupt(step: str) -> None:
        if step == "inserted":
            with closing(connection.cursor()) as other:
                DuckDbSink(other, tables_by_topic("")).write(facts)

    slow = DuckDbSink(connection, tables_by_topic(""), on_step=interrupt)
    with pytest.raises(OffsetsMovedError, match="another loader"):
        slow.write(facts)
    assert rows(connection, "select count(*) from raw.customer_messages") == [(2,)]


def test_a_batch_is_one_line_a_table(sink: DuckDbSink, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="pipelines"):
        sink.write(
            batch(
                chunk("customer-messages", [record(0, fact()), record(1, fact("m2"))]),
                chunk("customer-messages", [record(7, fact("m3"))], partition=1),
            )
        )
    (line,) = (one.getMessage() for one in caplog.records)
    assert line.startswith("loaded 3 rows into raw.customer_messages in ")
    assert line.endswith(" ms, offsets 0:2 1:8")
