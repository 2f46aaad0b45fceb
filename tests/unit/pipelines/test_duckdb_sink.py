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
from pipelines.raw_tables import ALL, POLICIES, tables_by_topic
from pipelines.sink import Sink
from streams.policies import SALT_KEY
from tests.unit.pipelines.builders import (
    START,
    answer,
    batch,
    chunk,
    conversation,
    customer,
    dead_letter,
    erasure,
    event,
    fact,
    identity,
    link,
    policy,
    record,
    suggestion,
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

    def messages(self, sink: Sink) -> set[str]:
        del sink
        found = rows(self.connection, "select message_id from raw.customer_messages")
        return {message_id for (message_id,) in found}


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
            chunk("link-suggestions", [record(0, suggestion())]),
            chunk("policies", [record(0, policy())]),
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


def test_a_customer_arrives_with_the_evidence_that_makes_them_one(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    said = link(message_id="m7", channel_id=None, said_by="ines", rule="agent_merge")
    full = customer(
        identities=(identity(identity_id="c9"),),
        links=(said,),
        blocked=True,
        possible_new_owner_since=START,
    )
    sink.write(batch(chunk("customers", [record(0, full)])))
    ((links, blocked, since, identity_id),) = rows(
        connection,
        "select links, blocked, possible_new_owner_since, identities[1].identity_id "
        "from raw.customers",
    )
    assert links == [msgspec.structs.asdict(said)]
    assert (blocked, since, identity_id) == (True, START, "c9")


def test_a_record_of_before_there_were_links_has_none(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    older = msgspec.json.decode(msgspec.json.encode(customer()))
    for field in ("links", "blocked", "possibleNewOwnerSince"):
        del older[field]
    sink.write(batch(chunk("customers", [record(0, msgspec.json.encode(older))])))
    assert rows(connection, "select links, blocked from raw.customers") == [([], False)]


def test_the_answer_to_a_command_outlives_the_customer_but_not_a_refusal_that_may_quote_it(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    events = [
        record(0, event("created", customer_id="c1")),
        record(1, event("merged into c1 then", customer_id="c1", identity_id="c2")),
        record(2, erasure("c1")),
        record(3, answer("policy", event_type="policy.changed", customer_id=None)),
        record(4, answer("refused", event_type="command.refused", customer_id="c1")),
        record(5, answer("refused too", event_type="command.refused", customer_id="c2")),
    ]
    sink.write(batch(chunk("customer-events", events)))
    assert rows(
        connection, "select event_id, customer_id, command_id from raw.customer_events order by all"
    ) == [
        ("erased", "c1", "command of erased"),
        ("merged into c1 then", "c1", None),
        ("policy", None, "command of policy"),
        ("refused too", "c2", "command of refused too"),
    ]


def test_conversations_go_with_their_identity_and_not_with_their_customer(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    talks = [
        record(0, conversation("v1", identity_id="a", customer_id="b")),
        record(1, conversation("v2", identity_id="b", customer_id="a")),
    ]
    erased = chunk("customer-events", [record(0, erasure("a"))])
    sink.write(batch(chunk("conversations", talks), erased))
    assert rows(connection, "select conversation_id from raw.conversations") == [("v2",)]


def test_suggestions_keep_the_newest_and_go_with_their_own_record_without_a_value(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    told = [
        record(0, suggestion("s1", version=2, status="refused"), key="s1"),
        record(1, suggestion("s1", version=1), key="s1"),
        record(2, suggestion("s2", customer_id="gone"), key="s2"),
    ]
    sink.write(batch(chunk("link-suggestions", told)))
    sink.write(batch(chunk("customer-events", [record(0, erasure("gone"))])))
    everything = "select suggestion_id, status from raw.link_suggestions order by all"
    assert rows(connection, everything) == [("s1", "refused"), ("s2", "open")]
    sink.write(batch(chunk("link-suggestions", [record(3, None, key="s2")])))
    assert rows(connection, everything) == [("s1", "refused")]


@pytest.mark.parametrize("together", [True, False])
def test_the_last_policy_in_the_log_is_in_force_whenever_it_says_it_was_set(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink, together: bool
) -> None:
    records = [
        record(0, policy(identity_cap=9, set_at=NOW), key="acme"),
        record(1, policy(identity_cap=7, set_at=START), key="acme"),
    ]
    for part in [records] if together else [[one] for one in records]:
        sink.write(batch(chunk("policies", part)))
    ((document, set_at),) = rows(connection, "select policy, set_at from raw.policies")
    assert msgspec.json.decode(document) == {
        "identityCap": 7,
        "rules": {"self_declared": "link"},
    }
    assert set_at == START
    sink.write(batch(chunk("policies", [record(2, None, key="acme")])))
    assert rows(connection, "from raw.policies") == []


def test_the_workers_note_of_its_salt_is_no_policy_and_no_fault(
    connection: duckdb.DuckDBPyConnection, sink: DuckDbSink
) -> None:
    assert POLICIES.notes == SALT_KEY.decode()
    note = record(0, b'{"fingerprint": "0"}', key=SALT_KEY)
    sink.write(batch(chunk("policies", [note, record(1, policy(), key="acme")])))
    assert rows(connection, "select tenant_id from raw.policies") == [("acme",)]
    assert rows(connection, "from raw.rejected_rows") == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"{", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"", "not a JSON object"),
        (b"\xff\xfe", "not UTF-8"),
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
