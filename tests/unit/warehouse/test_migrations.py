"""A file of an older version, with rows, brought to the present shape. DuckDB is real."""

import shutil
from pathlib import Path

import duckdb
import pytest

from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from tests.unit.pipelines.builders import START, batch, chunk, erasure, fact, record
from warehouse.checks import run_checks
from warehouse.connection import open_reader, open_writer
from warehouse.migrate import FOLDER, migrate
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

# A customer who took another one in, a message of theirs and one of nobody, and somebody erased.
ROWS_OF_0001 = """
insert into raw.customers by name
select
    unnest(['c1', 'c2']) as customer_id, 'acme' as tenant_id, 'Ana' as display_name,
    [{
        channel_id: 'wa-1', channel_type: 'whatsapp', external_id: '+551',
        identity_key: 'phone:+551', first_seen_at: $start, last_seen_at: $start,
        last_inbound_at: null, username: 'ana'
    }] as identities,
    ['+551'] as phones, [] as emails, [] as tags, map()::map(varchar, varchar) as custom_attributes,
    unnest(['active', 'merged']) as status, unnest([['c2'], []]) as merged_ids,
    unnest([null, 'c1']) as merged_into, $start as created_at, $start as updated_at, 1 as version,
    'customers' as topic, 0 as "partition", 0 as "offset", $start as loaded_at;
insert into raw.conversations by name
select
    'v1' as conversation_id, 'acme' as tenant_id, 'c1' as customer_id, 'wa-1' as channel_id,
    'whatsapp' as channel_type, '+551' as external_id, 'inbound' as opened_by,
    $start as started_at, $start as last_message_at, 1 as version,
    'conversations' as topic, 0 as "partition", 0 as "offset", $start as loaded_at;
insert into raw.customer_events by name
select
    'e1' as event_id, 'customer.created' as event_type, 'acme' as tenant_id, 'c1' as customer_id,
    $start as occurred_at,
    'customer-events' as topic, 0 as "partition", 0 as "offset", $start as loaded_at;
insert into raw.customer_messages by name
select
    'acme' as tenant_id, 'wa-1' as channel_id, 'whatsapp' as channel_type,
    unnest(['m1', 'm2']) as message_id, 'inbound' as direction, '+551' as external_id,
    'phone:+551' as identity_key, unnest(['c1', null]) as customer_id, $start as sent_at,
    $start as received_at, 'text' as content_type,
    'customer-messages' as topic, 0 as "partition", 0 as "offset", $start as loaded_at;
insert into raw.erased_customers values ('gone', $start);
insert into raw.ingest_offsets
select unnest(['customers', 'conversations', 'customer-events', 'customer-messages']), 0, 2, null,
    'b', $start;
create view staging.stg_streams__customers as from raw.customers;
create view staging.stg_streams__customer_messages as from raw.customer_messages;
"""


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """Give a file as the first migration alone left it, filled and refreshed."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    shutil.copy(FOLDER / "0001_raw_tables.sql", folder)
    path = tmp_path / "w.duckdb"
    connection = duckdb.connect(str(path))
    connection.execute("set TimeZone = 'UTC'")
    migrate(connection, folder)
    for statement in ROWS_OF_0001.split(";\n"):
        if statement.strip():
            connection.execute(statement, {"start": START} if "$start" in statement else {})
    connection.close()
    return path


def test_older_rows_keep_all_they_had_and_are_about_their_customer(older: Path) -> None:
    with open_writer(older) as connection:
        people = connection.execute(
            "select customer_id, identities[1], links, blocked, possible_new_owner_since, "
            "merged_ids, merged_into from raw.customers order by 1"
        ).fetchall()
        facts = connection.execute(
            "select message_id, customer_id, identity_id, is_clock_wrong "
            "from raw.customer_messages order by 1"
        ).fetchall()
        about = connection.execute(
            "select identity_id, customer_id from raw.conversations union all "
            "select identity_id, customer_id from raw.customer_events"
        ).fetchall()
        erased = connection.execute("select identity_id from raw.erased_customers").fetchall()
    identity = {
        "channel_id": "wa-1",
        "channel_type": "whatsapp",
        "external_id": "+551",
        "identity_key": "phone:+551",
        "first_seen_at": START,
        "last_seen_at": START,
        "last_inbound_at": None,
        "username": "ana",
    }
    assert people == [
        ("c1", identity | {"identity_id": "c1"}, [], False, None, ["c2"], None),
        ("c2", identity | {"identity_id": "c2"}, [], False, None, [], "c1"),
    ]
    assert facts == [("m1", "c1", "c1", False), ("m2", None, None, False)]
    assert about == [("c1", "c1"), ("c1", "c1")]
    assert erased == [("gone",)]


def test_an_older_file_goes_on_loading_and_refreshing_where_it_was(older: Path) -> None:
    with open_writer(older) as connection:
        sink = DuckDbSink(connection, tables_by_topic(""))
        facts = [record(2, fact("m3", external_id="+551")), record(3, fact(identity_id="gone"))]
        sink.write(batch(chunk("customer-messages", facts)))
        refresh(connection, now=START, time_zones=TimeZones())
        assert [one.check.name for one in run_checks(connection) if not one.holds] == []
    with open_reader(older) as connection:
        assert connection.execute(
            "select message_id, customer_id from marts.messages order by 1"
        ).fetchall() == [("m1", "c1"), ("m2", "c1"), ("m3", "c1")]
        assert connection.execute("select number from migrations order by 1").fetchall() == [
            (number,) for number in range(1, 8)
        ]


def test_an_erasure_of_an_older_customer_takes_their_older_facts(older: Path) -> None:
    with open_writer(older) as connection:
        sink = DuckDbSink(connection, tables_by_topic(""))
        gone = chunk("customers", [record(2, None, key="c1")])
        sink.write(batch(gone, chunk("customer-events", [record(2, erasure("c1"))])))
        for table in ("conversations", "customer_events"):
            assert connection.execute(
                f"select count(*) from raw.{table} where identity_id is not null"
            ).fetchall() == [(0,)]
        assert connection.execute("select message_id from raw.customer_messages").fetchall() == [
            ("m2",)
        ]
