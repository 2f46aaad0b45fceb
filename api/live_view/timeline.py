"""What one customer said and was told, and what happened to them: by who owns an identity now.

The rule is the warehouse's (models/marts/identity_owners.sql): a number that changed hands is its
first owner's until the next one's begins.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Final

from api.live_view.lookups import Claim, Lookups
from api.live_view.pages import Page, cursor_of, place_in
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
    lookups: Lookups,
    *,
    owner: Customer,
    cursor: str | None,
    limit: int,
    conversation_id: str | None = None,
) -> Page:
    """Return a page of messages, either way, the newest first. Raises ProblemError: a wrong
    cursor.
    """
    return _of_identities(
        lookups, owner, "message", cursor=cursor, limit=limit, conversation_id=conversation_id
    )


def conversations(lookups: Lookups, *, owner: Customer, cursor: str | None, limit: int) -> Page:
    """Return a page of conversations, the one that began last first. Raises ProblemError: a wrong
    cursor.
    """
    return _of_identities(lookups, owner, "conversation", cursor=cursor, limit=limit)


def events(lookups: Lookups, *, owner: Customer, cursor: str | None, limit: int) -> Page:
    """Return a page of what happened to the customer and to those merged into it, newest first.
    Raises ProblemError: a wrong cursor.
    """
    behind = _place_in(cursor)
    return _page(
        (
            lookups.entries(
                "event", customer_id, tenant_id=owner.tenant_id, behind=behind, limit=limit + 1
            )
            for customer_id in (owner.id, *owner.merged_ids)
        ),
        limit,
    )


def _of_identities(
    lookups: Lookups,
    owner: Customer,
    kind: str,
    *,
    cursor: str | None,
    limit: int,
    conversation_id: str | None = None,
) -> Page:
    """Return a page of what was on the customer's channel identities while they were theirs."""
    behind = _place_in(cursor)
    return _page(
        (
            lookups.entries(
                kind,
                tenure.external_id,
                tenant_id=owner.tenant_id,
                channel_id=tenure.channel_id,
                since=tenure.owned_from,
                until=tenure.owned_until,
                behind=behind,
                conversation_id=conversation_id,
                limit=limit + 1,
            )
            for tenure in tenures(owner, lookups)
        ),
        limit,
    )


def _place_in(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    at, tie = place_in(NEWEST_FIRST, cursor, int, str)
    return at, tie


def _page(parts: Iterable[list[tuple[int, str, str]]], limit: int) -> Page:
    """Return the newest of all parts, of which each has one more than fit."""
    rows = sorted((row for part in parts for row in part), reverse=True)
    more = cursor_of(NEWEST_FIRST, rows[limit - 1][:2]) if len(rows) > limit else None
    return Page([document for _, _, document in rows[:limit]], more)
