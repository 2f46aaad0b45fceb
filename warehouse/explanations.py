"""Who a customer is made of and on what evidence, out of the published copy.

Owns which rows answer that question; the words for people are the command line's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from warehouse.errors import WarehouseOutdatedError
from warehouse.queries import Warehouse

_TABLES: Final = frozenset(
    {
        "customer_identities",
        "customer_links",
        "customers",
        "erased_customers",
        "link_suggestions",
        "merged_customers",
    }
)


@dataclass(frozen=True, slots=True)
class Identity:
    """A way to reach the customer."""

    channel_id: str
    channel_type: str
    external_id: str
    identity_key: str
    username: str | None
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """Evidence that two identity keys are one person."""

    identity_key: str
    other_identity_key: str
    rule: str
    level: str
    said_at: datetime
    message_id: str
    channel_id: str | None
    said_by: str | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A question that nobody has answered: `identity_key` is this customer's, whoever asks."""

    suggestion_id: str
    reason: str
    rule: str
    identity_key: str
    other_identity_key: str
    other_customer_id: str | None
    other_display_name: str | None
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """A customer living now. `asked_id` is another id where that one was merged into this one."""

    asked_id: str
    customer_id: str
    tenant_id: str
    display_name: str
    status: str
    created_at: datetime
    blocked: bool
    possible_new_owner_since: datetime | None
    merged_ids: tuple[str, ...]
    identities: tuple[Identity, ...]
    links: tuple[Link, ...]
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """The id led to somebody who was erased; nothing else is known of them."""

    erased_at: datetime


@dataclass(frozen=True, slots=True)
class Unknown:
    """The id leads to nobody; or to somebody of this tenant, where another was asked for."""

    tenant_id: str | None


def explain(
    warehouse: Warehouse, customer_id: str, tenant_id: str | None = None
) -> Explanation | Erased | Unknown:
    """Return what is known of the id: of its customer, or of the one it was merged into.

    Raises WarehouseOutdatedError where the copy was published before there were links.
    """
    _require_tables(warehouse)
    found = _rows(
        warehouse,
        """
        with led as (
            select customer_id, tenant_id from customers where customer_id = $id
            union all
            select customer_id, tenant_id from merged_customers where merged_id = $id
        )
        select c.* from customers as c join led using (customer_id, tenant_id)
        """,
        {"id": customer_id},
    )
    for row in found:
        if tenant_id in (None, row["tenant_id"]):
            return _explanation(warehouse, customer_id, row)
    erased = _rows(
        warehouse,
        """
        select erased_at from erased_customers
        where erased_id = $id and ($tenant is null or tenant_id is null or tenant_id = $tenant)
        """,
        {"id": customer_id, "tenant": tenant_id},
    )
    if erased:
        return Erased(erased[0]["erased_at"])
    return Unknown(found[0]["tenant_id"] if found else None)


def _explanation(warehouse: Warehouse, asked_id: str, customer: Mapping[str, Any]) -> Explanation:
    given = {"id": customer["customer_id"], "tenant": customer["tenant_id"]}
    identities = _rows(
        warehouse,
        """
        select
            channel_id, channel_type, external_id, identity_key, username, first_seen_at,
            last_seen_at
        from customer_identities
        where customer_id = $id and tenant_id = $tenant
        order by first_seen_at, channel_id, external_id
        """,
        given,
    )
    links = _rows(
        warehouse,
        """
        select
            identity_key, other_identity_key, rule, level, said_at, message_id, channel_id, said_by
        from customer_links
        where customer_id = $id and tenant_id = $tenant
        order by said_at, identity_key, other_identity_key, rule
        """,
        given,
    )
    suggestions = _rows(
        warehouse,
        """
        with ours as (
            select * from link_suggestions
            where customer_id = $id and tenant_id = $tenant and status = 'open'
            union all
            select * replace (
                other_customer_id as customer_id,
                other_identity_key as identity_key,
                customer_id as other_customer_id,
                identity_key as other_identity_key
            )
            from link_suggestions
            where other_customer_id = $id and tenant_id = $tenant and status = 'open'
                and customer_id <> $id
        )
        select
            s.suggestion_id, s.reason, s.rule, s.identity_key, s.other_identity_key,
            s.other_customer_id, c.display_name as other_display_name, s.said_at
        from ours as s
        left join customers as c
            on c.customer_id = s.other_customer_id and c.tenant_id = s.tenant_id
        order by s.said_at, s.suggestion_id
        """,
        given,
    )
    return Explanation(
        asked_id=asked_id,
        customer_id=customer["customer_id"],
        tenant_id=customer["tenant_id"],
        display_name=customer["display_name"],
        status=customer["status"],
        created_at=customer["created_at"],
        blocked=customer["blocked"],
        possible_new_owner_since=customer["possible_new_owner_since"],
        merged_ids=tuple(customer["merged_ids"]),
        identities=tuple(Identity(**row) for row in identities),
        links=tuple(Link(**row) for row in links),
        suggestions=tuple(Suggestion(**row) for row in suggestions),
    )


def _require_tables(warehouse: Warehouse) -> None:
    names = {row["table_name"] for row in _rows(warehouse, "select * from duckdb_tables()", {})}
    if missing := sorted(_TABLES - names):
        raise WarehouseOutdatedError(
            f"the published copy is of an older version, without {', '.join(missing)}: run "
            "`omnichannel load --until-caught-up` to publish it anew"
        )


def _rows(warehouse: Warehouse, query: str, given: Mapping[str, object]) -> list[dict[str, Any]]:
    cursor = warehouse.connection.execute(query, dict(given))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
