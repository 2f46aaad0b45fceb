"""What one customer said and was told, and what happened to them: by who owns an identity now.

The rule is the warehouse's (models/marts/identity_owners.sql): a number that changed hands is its
first owner's until the next one's begins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import duckdb

from api.live_view.pages import Page, cursor_of, place_in

NEWEST_FIRST: Final = "-at"
# Of two records of one identity the newer is believed, as in the warehouse.
_OWNERS: Final = """
    with found as materialized (from derived.identities where external_id = $external_id)
    select identity_id, customer_id, first_seen_at, last_seen_at, customer_version
    from found where tenant_id = $tenant_id and channel_id = $channel_id
"""
_ALWAYS: Final = ("-infinity", "infinity")


@dataclass(frozen=True, slots=True)
class Claim:
    """What one customer's record says of a channel identity."""

    identity_id: str
    customer_id: str
    first_seen_at: datetime
    last_seen_at: datetime | None
    customer_version: int

    @property
    def weight(self) -> tuple[bool, datetime, int, str]:
        """Return what outranks another claim to the same identity: the greatest is believed."""
        return (
            self.last_seen_at is not None,
            self.last_seen_at or self.first_seen_at,
            self.customer_version,
            self.customer_id,
        )


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
        "with found as materialized (from derived.identities where customer_id = $customer_id) "
        "select distinct channel_id, external_id from found where tenant_id = $tenant_id",
        {"customer_id": customer_id, "tenant_id": tenant_id},
    ).fetchall()
    found: list[Tenure] = []
    for channel_id, external_id in owned:
        given = {"tenant_id": tenant_id, "channel_id": channel_id, "external_id": external_id}
        rows = reader.execute(_OWNERS, given).fetchall()
        found += [
            Tenure(channel_id, external_id, owned_from, owned_until)
            for owner, owned_from, owned_until in _in_turn([Claim(*row) for row in rows])
            if owner == customer_id
        ]
    return found


def _in_turn(claims: Sequence[Claim]) -> Iterator[tuple[str, str, str]]:
    """Yield each owner of a channel identity, from when, and until when."""
    believed: dict[str, Claim] = {}
    for claim in sorted(claims, key=lambda one: one.weight):
        believed[claim.identity_id] = claim
    in_time = sorted(believed.values(), key=lambda one: (one.first_seen_at, one.identity_id))
    bounds = [claim.first_seen_at.isoformat() for claim in in_time]
    for claim, begins, ends in zip(
        in_time, [_ALWAYS[0], *bounds[1:]], [*bounds[1:], _ALWAYS[1]], strict=True
    ):
        yield claim.customer_id, begins, ends


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
            "(with found as materialized ("  # noqa: S608 - our own names
            f"from raw.customer_events where customer_id = $customer_{number}) "
            "select occurred_at as moment, event_id as tie, document from found "
            "where tenant_id = $tenant_id)"
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
            # The index first and by itself, or DuckDB reads the whole table.
            f"(with found as materialized (from {table} where external_id = $external_{number}) "  # noqa: S608
            f"select {at} as moment, {tie} as tie, document from found "
            f"where channel_id = $channel_{number} "
            f"and tenant_id = $tenant_id and {at} >= $from_{number}::timestamptz "
            f"and {at} < $until_{number}::timestamptz {extra})"
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
