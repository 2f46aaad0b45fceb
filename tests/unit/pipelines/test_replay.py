"""Any split into batches, any duplication and any replay of a suffix loads the same rows, and they
are the rows of a fold in plain Python. DuckDB is real; the streams are Hypothesis'.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.batch import Batch, Chunk, Partition
from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import MessageFact
from streams.contracts.policies import TenantPolicy
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import Wire
from tests.examples import examples
from tests.unit.pipelines.builders import (
    FakeRecord,
    answer,
    conversation,
    customer,
    erasure,
    event,
    fact,
    policy,
    record,
    suggestion,
)
from tests.unit.pipelines.fakes import FakeSink
from warehouse.connection import open_memory

# (topic, key, value): what was produced, in order. One partition a topic: order is Kafka's there.
Produced = tuple[str, str, Wire | bytes | None]


def _customer(number: int, version: int) -> Produced:
    value = customer(f"c{number}", version=version, name=f"c{number} v{version}")
    return ("customers", f"c{number}", value)


produced = st.one_of(
    st.builds(_customer, st.integers(0, 3), st.integers(1, 5)),
    st.builds(lambda n: ("customers", f"c{n}", None), st.integers(0, 3)),
    st.builds(
        lambda n, v: (
            "conversations",
            f"v{n}",
            conversation(f"v{n}", version=v, identity_id=f"c{n}", customer_id=f"c{v % 4}"),
        ),
        st.integers(0, 2),
        st.integers(1, 4),
    ),
    st.builds(lambda n: ("conversations", f"v{n}", None), st.integers(0, 2)),
    # Whoever owns it when it is processed, the identity stays the message's own.
    st.builds(
        lambda n, c: (
            "customer-messages",
            f"c{c}",
            fact(f"m{n}", identity_id=f"c{n % 4}", customer_id=f"c{n % 3}"),
        ),
        st.integers(0, 7),
        st.integers(0, 3),
    ),
    st.builds(
        lambda n: ("customer-events", f"c{n % 3}", event(f"e{n}", identity_id=f"c{n % 4}")),
        st.integers(0, 7),
    ),
    st.builds(
        lambda n: ("customer-events", f"c{n}", erasure(f"c{n}", event_id=f"erased {n}")),
        st.integers(0, 3),
    ),
    st.builds(
        lambda n, kind: (
            "customer-events",
            f"c{n}",
            answer(f"{kind} {n}", event_type=kind, customer_id=f"c{n}"),
        ),
        st.integers(0, 3),
        st.sampled_from(("command.applied", "command.refused")),
    ),
    st.builds(
        lambda n, v: ("link-suggestions", f"s{n}", suggestion(f"s{n}", version=v)),
        st.integers(0, 2),
        st.integers(1, 4),
    ),
    st.builds(lambda n: ("link-suggestions", f"s{n}", None), st.integers(0, 2)),
    st.just(("customer-messages", "c0", b"{")),
)
# What has no version: its order in the log is all there is.
policies = st.one_of(
    st.builds(lambda cap: ("policies", "acme", policy(identity_cap=cap)), st.integers(2, 9)),
    st.just(("policies", "acme", None)),
    st.just(("policies", "_salt", b'{"fingerprint": "0"}')),
)


def batches_of(stream: Sequence[Produced], cuts: set[int]) -> list[Batch]:
    """Return the stream as batches that end at the cuts."""
    offsets: dict[Partition, int] = {}
    made: list[Batch] = []
    current: list[tuple[Partition, FakeRecord]] = []

    def close() -> None:
        if not current:
            return
        grouped: dict[Partition, list[FakeRecord]] = {}
        for place, one in current:
            grouped.setdefault(place, []).append(one)
        starts = {place: records[0].offset for place, records in grouped.items()}
        ends = {place: records[-1].offset + 1 for place, records in grouped.items()}
        made.append(Batch.empty(0.0, starts, {}).add(Chunk(grouped, ends)))
        current.clear()

    for number, (topic, key, value) in enumerate(stream):
        place = Partition(topic, 0)
        offset = offsets.get(place, 0)
        current.append((place, record(offset, value, key=key)))
        offsets[place] = offset + 1
        if number in cuts:
            close()
    close()
    return made


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give one warehouse for all examples: to make its tables takes longer than to fill them."""
    with open_memory() as connection:
        yield connection


def loaded(
    connection: duckdb.DuckDBPyConnection, stream: Sequence[Produced], cuts: set[int]
) -> tuple[list[Any], ...]:
    """Return what the emptied warehouse holds once the stream is loaded."""
    tables = connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'raw'"
    ).fetchall()
    for (table,) in tables:
        connection.execute(f"delete from raw.{table}").fetchall()
    sink = DuckDbSink(connection, tables_by_topic(""))
    for one in batches_of(stream, cuts):
        sink.write(one)
    return rows_of(connection)


def rows_of(connection: duckdb.DuckDBPyConnection) -> tuple[list[Any], ...]:
    return tuple(
        sorted(connection.execute(query).fetchall())
        for query in (
            "select customer_id, display_name, version from raw.customers",
            "select conversation_id, version from raw.conversations",
            "select event_id, customer_id from raw.customer_events",
            "select message_id, customer_id from raw.customer_messages",
            "select suggestion_id, version from raw.link_suggestions",
            "select tenant_id, command_id from raw.policies",
            "select topic, reason from raw.rejected_rows group by all",
        )
    )


def folded(stream: Sequence[Produced]) -> tuple[list[Any], ...]:
    sink = FakeSink()
    for one in batches_of(stream, set()):
        sink.write(one)
    found: dict[type, list[Any]] = {}
    for row in (row for rows in sink.rows.values() for row in rows.values()):
        found.setdefault(type(row), []).append(row)
    reasons = {(topic, "not a JSON object") for topic, _, _ in sink.rejected}
    return tuple(
        sorted(rows)
        for rows in (
            [(one.id, one.display_name, one.version) for one in found.get(Customer, [])],
            [(one.id, one.version) for one in found.get(Conversation, [])],
            [(one.id, one.customer_id) for one in found.get(CustomerEvent, [])],
            [(one.message_id, one.customer_id) for one in found.get(MessageFact, [])],
            [(one.id, one.version) for one in found.get(LinkSuggestion, [])],
            [(one.tenant_id, one.command_id) for one in found.get(TenantPolicy, [])],
            reasons,
        )
    )


@settings(deadline=None, max_examples=examples(20), suppress_health_check=[HealthCheck.too_slow])
@given(
    stream=st.lists(produced | policies, max_size=25),
    cuts=st.sets(st.integers(0, 60)),
    replay_from=st.integers(0, 25),
)
def test_any_split_and_any_replayed_suffix_loads_the_rows_of_the_fold(
    warehouse: duckdb.DuckDBPyConnection, stream: list[Produced], cuts: set[int], replay_from: int
) -> None:
    assert loaded(warehouse, stream, cuts) == folded(stream)
    assert loaded(warehouse, [*stream, *stream[replay_from:]], cuts) == folded(stream)


@settings(deadline=None, max_examples=examples(10), suppress_health_check=[HealthCheck.too_slow])
@given(
    stream=st.lists(produced.filter(lambda one: one[2] is not None), max_size=20),
    data=st.data(),
)
def test_any_order_and_any_duplication_loads_the_same_rows(
    warehouse: duckdb.DuckDBPyConnection, stream: list[Produced], data: st.DataObject
) -> None:
    repeated = (
        [*stream, *data.draw(st.lists(st.sampled_from(stream), max_size=10))] if stream else []
    )
    shuffled = data.draw(st.permutations(repeated))
    assert loaded(warehouse, shuffled, {3, 9, 14}) == loaded(warehouse, stream, set())
