"""What one customer said and was told, and what happened to them: by who owns an identity now.

The rule is the warehouse's (models/marts/identity_owners.sql): a number that changed hands is its
first owner's until the next one's begins.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from api.live_view.lookups import Claim, Lookups
from api.live_view.pages import Page, cursor_of, place_in
from api.live_view.reader import Reader
from streams.contracts.customers import Customer

NEWEST_FIRST: Final = "-at"


@dataclass(frozen=True, slots=True)
class Tenure:
    """A channel identity, and from when until when it is the customer's, in microseconds; None:
    always.
    """

    channel_id: str
    external_id: str
    owned_from: int | None
    owned_until: int | None


def tenures(owner: Customer, lookups: Lookups) -> list[Tenure]:
    """Return what the customer owns."""
    held = dict.fromkeys((one.channel_id, one.external_id) for one in owner.identities)
    return [
        Tenure(channel_id, external_id, owned_from, owned_until)
        for channel_id, external_id in held
        for customer_id, owned_from, owned_until in _in_turn(
            _believed(lookups.claims(owner.tenant_id, channel_id, external_id), lookups)
        )
        if customer_id == owner.id
    ]


def _believed(claims: Iterable[Claim], lookups: Lookups) -> Iterator[Claim]:
    """Yield one claim to each identity: where two records claim one, the newer's."""
    by_identity: dict[str, list[Claim]] = {}
    for claim in claims:
        by_identity.setdefault(claim.identity_id, []).append(claim)
    for several in by_identity.values():
        if len(several) == 1:
            yield several[0]
        else:
            ages = {claim: _age(claim, lookups) for claim in several}
            yield min(several, key=lambda claim: (ages[claim], claim.customer_id))


def _age(claim: Claim, lookups: Lookups) -> tuple[float, int]:
    """Return what is greater the older the record is that makes the claim."""
    if (found := lookups.customer(claim.tenant_id, claim.customer_id)) is None:
        return inf, 0
    seen_at = next(
        (
            one.last_seen_at
            for one in found.record.identities
            if one.identity_id == claim.identity_id
        ),
        None,
    )
    return -seen_at.timestamp() if seen_at else inf, -found.version


def _in_turn(claims: Iterable[Claim]) -> Iterator[tuple[str, int | None, int | None]]:
    """Yield each owner of a channel identity, from when, and until when."""
    in_time = sorted(claims, key=lambda one: (one.first_seen_at, one.identity_id))
    bounds = [claim.first_seen_at for claim in in_time[1:]]
    for claim, begins, ends in zip(in_time, [None, *bounds], [*bounds, None], strict=True):
        yield claim.customer_id, begins, ends


def messages(
    reader: Reader,
    *,
    owner: Customer,
    cursor: str | None,
    limit: int,
    conversation_id: str | None = None,
) -> Page:
    """Return a page of messages, either way, the newest first."""
    extra = "" if conversation_id is None else "and conversation_id = $conversation_id"
    return _page(
        reader,
        tenures(owner, reader.lookups),
        table="raw.customer_messages",
        at="sent_at",
        tie="channel_id || ' ' || message_id",
        extra=extra,
        given={"tenant_id": owner.tenant_id}
        | ({} if conversation_id is None else {"conversation_id": conversation_id}),
        cursor=cursor,
        limit=limit,
    )


def conversations(
    reader: Reader,
    *,
    owner: Customer,
    cursor: str | None,
    limit: int,
) -> Page:
    """Return a page of conversations, the one that began last first."""
    return _page(
        reader,
        tenures(owner, reader.lookups),
        table="raw.conversations",
        at="started_at",
        tie="conversation_id",
        extra="and merged_into is null",
        given={"tenant_id": owner.tenant_id},
        cursor=cursor,
        limit=limit,
    )


def events(
    reader: Reader,
    *,
    owner: Customer,
    cursor: str | None,
    limit: int,
) -> Page:
    """Return a page of what happened to the customer and to those merged into it, newest first."""
    given: dict[str, Any] = {"tenant_id": owner.tenant_id}
    behind = _behind(cursor, given, "occurred_at", "event_id")
    parts = []
    for number, customer_id in enumerate((owner.id, *owner.merged_ids)):
        given[f"customer_{number}"] = customer_id
        parts.append(
            f"select tenant_id = $tenant_id {behind} as is_meant, "  # noqa: S608 - our own names
            "epoch_us(occurred_at) as moment, event_id as tie, document "
            f"from raw.customer_events where customer_id = $customer_{number}"
        )
    return _newest(reader, parts, given, limit=limit)


def _page(
    reader: Reader,
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
    behind = _behind(cursor, given, at, tie)
    parts = []
    for number, tenure in enumerate(owned):
        given |= {
            f"external_{number}": tenure.external_id,
            f"channel_{number}": tenure.channel_id,
        }
        since = ""
        if tenure.owned_from is not None:
            given[f"from_{number}"] = tenure.owned_from
            since += f"and {at} >= make_timestamptz($from_{number}::bigint) "
        if tenure.owned_until is not None:
            given[f"until_{number}"] = tenure.owned_until
            since += f"and {at} < make_timestamptz($until_{number}::bigint) "
        parts.append(
            f"select channel_id = $channel_{number} and tenant_id = $tenant_id "  # noqa: S608
            f"{since} {extra} {behind} as is_meant, "
            f"epoch_us({at}) as moment, {tie} as tie, document "
            f"from {table} where external_id = $external_{number}"
        )
    return _newest(reader, parts, given, limit=limit)


def _behind(cursor: str | None, given: dict[str, Any], at: str, tie: str) -> str:
    """Return the SQL for what is behind the cursor's place, whose values are put to those given."""
    if cursor is None:
        return ""
    given["place_at"], given["place_tie"] = place_in(NEWEST_FIRST, cursor)[:2]
    place = "make_timestamptz($place_at::bigint)"
    return f"and ({at} < {place} or ({at} = {place} and {tie} < $place_tie))"


def _newest(
    reader: Reader,
    parts: Sequence[str],
    given: dict[str, Any],
    *,
    limit: int,
) -> Page:
    """Return the newest of what the parts say is meant. They look up by index, which DuckDB takes
    only where nothing else is asked of the table: who is meant comes first, and the rest goes here.
    """
    if not parts:
        return Page([], None)
    found = reader.execute(
        f"{' union all '.join(parts)} "
        f"order by is_meant desc, moment desc, tie desc limit {limit + 1:d}",
        given,
    ).fetchall()
    rows = [row for is_meant, *row in found if is_meant]
    shown = rows[:limit]
    more = cursor_of(NEWEST_FIRST, shown[-1][:2]) if len(rows) > limit else None
    return Page([row[-1] for row in shown], more)
