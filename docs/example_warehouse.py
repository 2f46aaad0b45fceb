"""A warehouse to learn with: half a year of two businesses, made up, the same every time.

    python docs/example_warehouse.py .omnichannel/example

Rows go into the raw tables; the marts are the real ones.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from warehouse.connection import open_writer
from warehouse.location import PUBLISHED_FILE, WAREHOUSE_FILE
from warehouse.publish import publish
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

PEOPLE: Final = 2400
START: Final = datetime(2026, 4, 6, 3, tzinfo=UTC)
NOW: Final = START + timedelta(days=178, hours=12)  # a Thursday noon
ZONES: Final = TimeZones("America/Sao_Paulo")

# A number from 0 to 1 that is the same every time: md5 is, DuckDB's own hash need not be.
_CHANCE: Final = """
create or replace macro chance(a, b, c) as
    (('0x' || md5(concat_ws(' ', a, b, c))[1:8])::bigint / 4294967296.0)
"""
_STATEMENTS: Final = (
    # More begin every week. Most write from one channel, some are known on two.
    """
    create temp table people as
    select
        n,
        'customer-' || n as customer_id,
        if(n % 5 = 0, 'bravo', 'acme') as tenant_id,
        case
            when chance(n, 'channel', 0) < 0.55 then 'whatsapp'
            when chance(n, 'channel', 0) < 0.80 then 'webchat'
            when chance(n, 'channel', 0) < 0.92 then 'sms'
            else 'telegram'
        end as channel_type,
        channel_type || '-1' as channel_id,
        '+5511' || (900000000 + n) as external_id,
        'phone:' || external_id as identity_key,
        $start::timestamptz + to_days((182 * sqrt(chance(n, 'began', 0)))::integer) as first_day,
        chance(n, 'merged', 0) < 0.03 and n > 5 as is_merged
    from range($people) as r(n)
    """,
    # A person comes back for some weeks, ever more rarely; at weekends half as many write.
    """
    create temp table visits as
    select
        p.*, v,
        first_day + to_days(7 * v + (chance(n, v, 'day') * if(v = 0, 1, 7))::integer) as day,
        day + to_seconds((3600 * (8 + 6.5 * (chance(n, v, 'am') + chance(n, v, 'pm'))))::bigint)
            as began_at,
        case channel_type when 'webchat' then 900 when 'whatsapp' then 5400 else 14400 end
            * -ln(1 - 0.99 * chance(n, v, 'wait')) as wait_seconds,
        'conversation-' || n || '-' || v as conversation_id
    from people as p, range(16) as r(v)
    where chance(n, v, 'comes') < if(v = 0, 1.0, 0.45 * pow(0.9, v))
        and began_at < $now::timestamptz - interval 1 hour
        and (v = 0 or isodow(day) < 6 or chance(n, v, 'weekend') < 0.5)
    """,
    """
    create temp table known as
    select
        n, customer_id, tenant_id, channel_id, channel_type, external_id, identity_key, is_merged,
        min(began_at) as first_at, max(began_at) as last_at
    from visits
    group by all
    """,
    """
    insert into raw.customers by name
    select
        customer_id, tenant_id, 'Maria ' || n as display_name,
        [struct_pack(
            channel_id := channel_id, channel_type := channel_type, external_id := external_id,
            identity_key := identity_key, identity_id := customer_id,
            first_seen_at := first_at, last_seen_at := last_at,
            last_inbound_at := last_at, username := null::varchar
        )] as identities,
        'auto_created' as source, channel_id as first_channel_id,
        first_at as first_contact_at, external_id as original_external_id,
        last_at as last_seen_at, [external_id] as phones,
        if(channel_type = 'webchat', ['maria' || n || '@example.com'], []) as emails,
        []::varchar[] as tags, map()::map(varchar, varchar) as custom_attributes,
        if(is_merged, 'merged', 'active') as status, []::varchar[] as merged_ids,
        if(is_merged, 'customer-' || (n - 5), null) as merged_into, [] as links,
        false as blocked, first_at as created_at, last_at as updated_at, 1 as version,
        'customers' as topic, 0 as "partition", n as "offset", now() as loaded_at
    from known
    """,
    """
    insert into raw.customer_events by name
    select
        'created ' || customer_id as event_id, 'customer.created' as event_type, tenant_id,
        customer_id, customer_id as identity_id, first_at as occurred_at, channel_id,
        channel_type, external_id, 'customer-events' as topic, 0 as "partition", n as "offset",
        now() as loaded_at
    from known
    """,
    """
    insert into raw.conversations by name
    select
        conversation_id, tenant_id, customer_id, customer_id as identity_id, channel_id,
        channel_type, external_id, 'inbound' as opened_by, began_at as started_at,
        began_at + to_seconds(wait_seconds::bigint + 600) as last_message_at, 1 as version,
        'conversations' as topic, 0 as "partition", 16 * n + v as "offset", now() as loaded_at
    from visits
    """,
    """
    insert into raw.customer_messages by name
    select
        tenant_id, channel_id, channel_type, conversation_id || '-' || m as message_id,
        if(m = 1, 'outbound', 'inbound') as direction, external_id, identity_key,
        customer_id as identity_id, customer_id, conversation_id,
        began_at + to_seconds([0, wait_seconds, wait_seconds + 300][m + 1]::bigint) as sent_at,
        sent_at as received_at, 'text' as content_type,
        ['Olá, o meu pedido já saiu?', 'Sai hoje.', 'Obrigada!'][m + 1] as text,
        false as is_clock_wrong, 'customer-messages' as topic, 0 as "partition",
        48 * n + 3 * v + m as "offset", now() as loaded_at
    from visits, range(3) as r(m)
    where m = 0 or chance(n, v, 'answered') < 0.93
    """,
)


def fill(connection: duckdb.DuckDBPyConnection, people: int = PEOPLE) -> None:
    """Have the half year in the raw tables."""
    given = {"start": START, "now": NOW, "people": people}
    connection.execute(_CHANCE)
    for statement in _STATEMENTS:
        used = {name: value for name, value in given.items() if f"${name}" in statement}
        connection.execute(statement, used).fetchall()


def build(folder: Path, people: int = PEOPLE) -> Path:
    """Make the loader's file and the published copy in a folder; return the copy."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WAREHOUSE_FILE).unlink(missing_ok=True)
    with open_writer(folder / WAREHOUSE_FILE) as connection:
        fill(connection, people)
        refresh(connection, now=NOW, time_zones=ZONES)
        return publish(connection, folder / PUBLISHED_FILE).path


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
