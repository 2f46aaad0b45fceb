"""What one customer said and was told, and what happened to them: by who owns an identity now.

The rule is the warehouse's (models/marts/identity_owners.sql): a number that changed hands is its
first owner's until the next one's begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import duckdb

from api.live_view.pages import Page, cursor_of, place_in

NEWEST_FIRST: Final = "-at"
_OWNERS: Final = """
    with owners as (
        select channel_id, external_id, identity_id, customer_id, first_seen_at
        from derived.identities
        where external_id = $external_id and tenant_id = $tenant_id and channel_id = $channel_id
        qualify row_number() over (
            partition by identity_id
            order by last_seen_at desc nulls last, customer_version desc, customer_id
        ) = 1
    ),
    tenures as (
        select
            customer_id, first_seen_at,
            lag(first_seen_at) over by_time is null as is_first,
            lead(first_seen_at) over by_time as next_seen_at
        from owners
        window by_time as (order by first_seen_at, identity_id)
    )
    select
        if(is_first, '-infinity'::timestamptz, first_seen_at)::varchar,
        coalesce(next_seen_at, 'infinity'::timestamptz)::varchar
    from tenures where customer_id = $customer_id
"""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A channel identity, and from when until when it is the customer's."""

    channel_id: str
    external_id: str
    owned_from: str
    owned_until: str


def tenures(tenant_id: str, customer_id: str, reader: duckdb.DuckDBPyConnection) -> list[Tenure]:
    """Return what the customer owns."""
    owned = reader.execute(
        "select distinct channel_id, external_id from derived.identities "
        "where customer_id = $customer_id and tenant_id = $tenant_id order by all",
        {"customer_id": customer_id, "tenant_id": tenant_id},
    ).fetchall()
    found = []
    for channel_id, external_id in owned:
        given = {
            "tenant_id": tenant_id,
            "customer_id": customer_id,
            "channel_id": channel_id,
            "external_id": external_id,
        }
        found += [
            Tenure(channel_id, external_id, owned_from, owned_until)
            for owned_from, owned_until in reader.execute(_OWNERS, given).fetchall()
        ]
    return found


def messages(
    tenant_id: str,
    customer_id: str,
    reader: duckdb.DuckDBPyConnection,
    *,
    cursor: str | None,
    limit: int,
    conversation_id: str | None = None,
) -> Page:
    """Return a page of messages, either way, the newest first."""
    extra = "" if conversation_id is None else "and conversation_id = $conversation_id"
    return _page(
        reader,
        tenures(tenant_id, customer_id, reader),
        table="raw.customer_messages",
        at="sent_at",
        tie="channel_id || ' ' || message_id",
        extra=extra,
        given={"tenant_id": tenant_id}
        | ({} if conversation_id is None else {"conversation_id": conversation_id}),
        cursor=cursor,
        limit=limit,
    )


def conversations(
    tenant_id: str,
    customer_id: str,
    reader: duckdb.DuckDBPyConnection,
    *,
    cursor: str | None,
    limit: int,
) -> Page:
    """Return a page of conversations, the one that began last first."""
    return _page(
        reader,
        tenures(tenant_id, customer_id, reader),
        table="raw.conversations",
        at="started_at",
        tie="conversation_id",
        extra="and merged_into is null",
        given={"tenant_id": tenant_id},
        cursor=cursor,
        limit=limit,
    )


def merged_ids(tenant_id: str, customer_id: str, reader: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the ids that went into the customer's."""
    rows = reader.execute(
        "select merged_ids from raw.customers "
        "where customer_id = $customer_id and tenant_id = $tenant_id",
        {"customer_id": customer_id, "tenant_id": tenant_id},
    ).fetchall()
    return list(rows[0][0]) if rows else []


def events(
    tenant_id: str,
    customer_ids: Sequence[str],
    reader: duckdb.DuckDBPyConnection,
    *,
    cursor: str | None,
    limit: int,
) -> Page:
    """Return a page of what happened to these ids, the newest first."""
    given: dict[str, Any] = {"tenant_id": tenant_id}
    parts = []
    for number, customer_id in enumerate(customer_ids):
        given[f"customer_{number}"] = customer_id
        parts.append(
            "select occurred_at as moment, event_id as tie, document from raw.customer_events "  # noqa: S608
            f"where customer_id = $customer_{number} and tenant_id = $tenant_id"
        )
    return _newest(reader, parts, given, cursor=cursor, limit=limit)


def _page(
    reader: duckdb.DuckDBPyConnection,
    owned: Sequence[Tenure],
    *,
    table: str,
    at: str,
    tie: str,
    extra: str,
    given: dict[str, Any],
    cursor: str | None,
    limit: int,
) -> Page:
    """Return what happened on the identities, each looked up by itself: a join would scan all."""
    parts = []
    for number, tenure in enumerate(owned):
        given |= {
            f"external_{number}": tenure.external_id,
            f"channel_{number}": tenure.channel_id,
            f"from_{number}": tenure.owned_from,
            f"until_{number}": tenure.owned_until,
        }
        parts.append(
            f"select {at} as moment, {tie} as tie, document from {table} "  # noqa: S608 - our own names
            f"where external_id = $external_{number} and channel_id = $channel_{number} "
            f"and tenant_id = $tenant_id and {at} >= $from_{number}::timestamptz "
            f"and {at} < $until_{number}::timestamptz {extra}"
        )
    return _newest(reader, parts, given, cursor=cursor, limit=limit)


def _newest(
    reader: duckdb.DuckDBPyConnection,
    parts: Sequence[str],
    given: dict[str, Any],
    *,
    cursor: str | None,
    limit: int,
) -> Page:
    behind = ""
    if cursor is not None:
        given["place_at"], given["place_tie"] = place_in(NEWEST_FIRST, cursor)[:2]
        at = "make_timestamptz($place_at::bigint)"
        behind = f"where moment <= {at} and (moment < {at} or tie < $place_tie)"
    if not parts:
        return Page([], None)
    rows = reader.execute(
        f"select epoch_us(moment), tie, document from ({' union all '.join(parts)}) {behind} "  # noqa: S608
        f"order by moment desc, tie desc limit {limit + 1:d}",
        given,
    ).fetchall()
    shown = rows[:limit]
    more = cursor_of(NEWEST_FIRST, shown[-1][:2]) if len(rows) > limit else None
    return Page([row[-1] for row in shown], more)
