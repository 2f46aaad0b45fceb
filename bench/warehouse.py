"""Seconds of a refresh of the marts beside those of a rebuild, over sizes of the warehouse.

Rows are made by SQL in the raw tables, so that neither Kafka nor the load is measured (bench.load
does that). A year of ten tenants: a customer has ten messages in two conversations, one in a
hundred was merged. What comes new is of the last day, with one message in a hundred a month late.
"""

import argparse
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from bench.claims import print_circumstances, print_claim
from warehouse.connection import open_writer
from warehouse.publish import publish
from warehouse.runner import RefreshReport, refresh
from warehouse.time_zones import TimeZones

FLOOR: Final = 3.0  # a rebuild of ten million messages costs so many refreshes of 100,000
# What is promised of ten million messages on a machine of two cores.
REBUILD_SECONDS: Final = 180.0
REFRESH_SECONDS: Final = 10.0
MEMORY_GIB: Final = 6.0
SIZES: Final = (1_000_000, 3_000_000, 10_000_000)  # messages
MESSAGES_A_CUSTOMER: Final = 10
NEW_MESSAGES: Final = 100_000
START: Final = datetime(2025, 11, 1, tzinfo=UTC)
DAYS: Final = 365
END: Final = START + timedelta(days=DAYS)
ZONES: Final = TimeZones("America/Sao_Paulo")
MEMORY: Final = "4GB"  # DuckDB's own; the process needs more

# The n-th customer, their message m, and when it was: the first conversation in one week, the
# second half a year later at most.
_OF_CUSTOMER: Final = """
    'customer-' || n as customer_id,
    'tenant-' || (n % 10) as tenant_id,
    '+5511' || (900000000 + n) as external_id,
    ['whatsapp-1', 'telegram-1', 'sms-1'][1 + n % 3] as channel_id,
    ['whatsapp', 'telegram', 'sms'][1 + n % 3] as channel_type,
    $start::timestamptz + to_seconds(hash(n) % (180 * 86400)) as began_at,
    began_at + to_seconds(hash(n + 7) % (184 * 86400)) as came_back_at,
    'phone:' || external_id as identity_key,
    'customer-' || n as identity_id
"""
_PLACE: Final = (
    """ '{topic}' as topic, 0 as "partition", {offset} as "offset", now() as loaded_at"""
)


def fill(connection: duckdb.DuckDBPyConnection, messages: int) -> None:
    """Have so many messages in the raw tables, of a tenth as many customers."""
    people = messages // MESSAGES_A_CUSTOMER
    given = {"start": START, "people": people}
    for statement in (
        f"create temp table people as select n, {_OF_CUSTOMER} from range($people) as r(n)",
        f"""
        insert into raw.customers by name
        select
            customer_id, tenant_id, 'Maria ' || n as display_name,
            [struct_pack(
                channel_id := channel_id, channel_type := channel_type, external_id := external_id,
                identity_key := identity_key, identity_id := identity_id, first_seen_at := began_at,
                last_seen_at := came_back_at, last_inbound_at := came_back_at,
                username := null::varchar
            )] as identities,
            'auto_created' as source, channel_id as first_channel_id, began_at as first_contact_at,
            external_id as original_external_id, came_back_at as last_seen_at,
            [external_id] as phones, []::varchar[] as emails, []::varchar[] as tags,
            map()::map(varchar, varchar) as custom_attributes,
            if(n % 100 = 99, 'merged', 'active') as status,
            if(n % 100 = 0 and n + 99 < $people, ['customer-' || (n + 99)], []) as merged_ids,
            if(n % 100 = 99, 'customer-' || (n - 99), null) as merged_into,
            [] as links, false as blocked, began_at as created_at, came_back_at as updated_at,
            1 as version, {_PLACE.format(topic="customers", offset="n")}
        from people
        """,
        f"""
        insert into raw.customer_events by name
        select
            'created ' || customer_id as event_id, 'customer.created' as event_type, tenant_id,
            customer_id, identity_id, began_at as occurred_at, channel_id, channel_type,
            external_id, {_PLACE.format(topic="customer-events", offset="n")}
        from people
        """,
        f"""
        insert into raw.conversations by name
        select
            'conversation-' || n || '-' || v as conversation_id, tenant_id, customer_id,
            identity_id, channel_id, channel_type, external_id, 'inbound' as opened_by,
            if(v = 0, began_at, came_back_at) as started_at,
            started_at + interval 4 hours as last_message_at, 1 as version,
            {_PLACE.format(topic="conversations", offset="2 * n + v")}
        from people, range(2) as r(v)
        """,
        f"""
        insert into raw.customer_messages by name
        select
            tenant_id, channel_id, channel_type, 'wamid.' || n || '.' || m as message_id,
            if(m % 5 in (1, 4), 'outbound', 'inbound') as direction, external_id, identity_key,
            identity_id, customer_id, 'conversation-' || n || '-' || (m // 5) as conversation_id,
            if(m < 5, began_at, came_back_at) + to_seconds((m % 5) * 3600) as sent_at,
            sent_at + interval 312 milliseconds as received_at, 'text' as content_type,
            'Olá, o meu pedido já saiu para entrega?' as text, false as is_clock_wrong,
            {_PLACE.format(topic="customer-messages", offset="10 * n + m")}
        from people, range(10) as r(m)
        """,
        """
        insert into raw.ingest_offsets
        select unnest(['customers', 'customer-events', 'conversations', 'customer-messages']), 0,
            unnest([$people, $people, 2 * $people, 10 * $people]), null, 'b', now()
        """,
    ):
        used = {name: value for name, value in given.items() if f"${name}" in statement}
        connection.execute(statement, used).fetchall()


def add(connection: duckdb.DuckDBPyConnection, messages: int) -> None:
    """Have 100,000 more messages of the last day, half of them in a conversation of their own."""
    people = messages // MESSAGES_A_CUSTOMER
    given = {"people": people, "end": END, "new": NEW_MESSAGES}
    for statement in (
        """
        create or replace temp table came as
        select p.*, k, $end::timestamptz - to_seconds(hash(k) % 86400)
            - if(k % 100 = 0, interval 30 days, interval 0 days) as moment
        from range($new) as r(k)
        join people as p on p.n = hash(k + 3) % $people
        """,
        """
        create or replace temp table newer as
        select distinct on (n) * from came order by n, moment desc
        """,
        f"""
        insert into raw.customer_messages by name
        select
            tenant_id, channel_id, channel_type, 'new.' || k as message_id,
            if(k % 3 = 0, 'outbound', 'inbound') as direction, external_id, identity_key,
            identity_id, customer_id, 'new-' || n as conversation_id, moment as sent_at,
            moment as received_at, 'text' as content_type, 'Obrigada!' as text,
            false as is_clock_wrong,
            {_PLACE.format(topic="customer-messages", offset="10 * $people + k")}
        from came
        """,
        f"""
        insert into raw.conversations by name
        select
            'new-' || n as conversation_id, any_value(tenant_id) as tenant_id,
            any_value(customer_id) as customer_id, any_value(identity_id) as identity_id,
            any_value(channel_id) as channel_id, any_value(channel_type) as channel_type,
            any_value(external_id) as external_id, 'inbound' as opened_by,
            min(moment) as started_at,
            max(moment) as last_message_at, 1 as version,
            {_PLACE.format(topic="conversations", offset="2 * $people + n")}
        from came
        group by n
        """,
        """
        update raw.customers as c
        set last_seen_at = w.moment, updated_at = w.moment, version = c.version + 1,
            "offset" = $people + w.n
        from newer as w
        where c.customer_id = w.customer_id
        """,
        "update raw.ingest_offsets set next_offset = 100 * next_offset",
    ):
        used = {name: value for name, value in given.items() if f"${name}" in statement}
        connection.execute(statement, used).fetchall()


def told(report: RefreshReport) -> str:
    """Return the models that took longest."""
    slowest = sorted(report.seconds_by_model.items(), key=lambda item: -item[1])[:8]
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in slowest)


def measure(messages: int) -> tuple[float, float]:
    """Print what the warehouse of that size costs; return seconds of a rebuild and a refresh."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open_writer(Path(folder) / "warehouse.duckdb") as connection,
    ):
        connection.execute(f"set memory_limit = '{MEMORY}'")
        connection.execute(f"set temp_directory = '{folder}/spilled'")
        fill(connection, messages)
        connection.execute("checkpoint")
        rebuilt = refresh(connection, now=END, time_zones=ZONES)
        connection.execute("checkpoint")
        print(f"{messages:,} messages: rebuild {rebuilt.seconds:.1f} s ({told(rebuilt)})")
        whole = publish(connection, Path(folder) / "analytics.duckdb")
        print(f"  publish all: {whole.seconds:.1f} s, {whole.size_bytes / 1e6:,.0f} MB")
        add(connection, messages)
        started = time.perf_counter()
        refreshed = refresh(connection, now=END, time_zones=ZONES)
        seconds = time.perf_counter() - started
        if refreshed.is_rebuild:
            raise AssertionError("the refresh made everything anew")
        print(f"  refresh after {NEW_MESSAGES:,} more: {seconds:.1f} s ({told(refreshed)})")
        print("  replaced:", ", ".join(f"{n} {c:,}" for n, c in refreshed.replaced.items()))
        published = publish(connection, Path(folder) / "analytics.duckdb")
        if published.is_whole:
            raise AssertionError("all of it was published again")
        print(
            f"  publish what was touched: {published.seconds:.1f} s, "
            f"{published.size_bytes / 1e6:,.0f} MB"
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        print(
            f"  of what is promised: rebuild {rebuilt.seconds / REBUILD_SECONDS:.0%}, refresh "
            f"{seconds / REFRESH_SECONDS:.0%}, memory so far {peak:.1f} GiB "
            f"({peak / MEMORY_GIB:.0%})",
            flush=True,
        )
    return rebuilt.seconds, seconds


def main() -> None:
    """Measure every size, the largest last, which makes the claim."""
    parser = argparse.ArgumentParser(description=sys.modules[__name__].__doc__)
    parser.add_argument("--messages", type=int, nargs="*", default=SIZES)
    sizes = parser.parse_args().messages
    print_circumstances("duckdb")
    for messages in sizes:
        rebuild_seconds, refresh_seconds = measure(messages)
    print_claim(
        "warehouse_rebuild_to_refresh_ratio",
        value=rebuild_seconds / refresh_seconds,
        unit="ratio",
        floor=FLOOR,
    )


if __name__ == "__main__":
    main()
