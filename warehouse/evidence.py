"""What the published copy knows of who is who: customers' keys, evidence, and what was decided.

Owns which rows say so. Customers of one key of whom nobody said anything are left out: no rule can
change them. Times are epoch milliseconds, as the identity core has them.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from warehouse.errors import WarehouseOutdatedError
from warehouse.queries import Warehouse

Row = TypeVar("Row")

_TABLES: Final = frozenset(
    {
        "customer_events",
        "customer_identities",
        "customer_links",
        "customers",
        "link_suggestions",
        "merged_customers",
    }
)


class HeldKey(NamedTuple):
    """An identity key of a customer who lives now."""

    tenant_id: str
    customer_id: str
    identity_key: str
    identity_id: str
    first_seen_at_ms: int


class SaidLink(NamedTuple):
    """Evidence that makes a customer one person."""

    tenant_id: str
    customer_id: str
    identity_key: str
    other_identity_key: str
    rule: str
    said_at_ms: int
    message_id: str


class Question(NamedTuple):
    """Evidence that did not link by itself, however it was answered."""

    tenant_id: str
    customer_id: str
    identity_key: str
    other_customer_id: str | None
    other_identity_key: str
    rule: str
    reason: str
    status: str
    said_at_ms: int
    message_id: str


class ClaimedValue(NamedTuple):
    """A number or an address that a customer said is theirs, and nobody stands for."""

    tenant_id: str
    customer_id: str
    identity_key: str
    said_at_ms: int  # at the latest


class PartedCustomers(NamedTuple):
    """Two customers that somebody parted, by the ids that live now; `is_whole` where it is still
    the customer that they saw, and went into none since.
    """

    tenant_id: str
    customer_id: str
    other_customer_id: str
    decided_at_ms: int
    is_whole: bool
    other_is_whole: bool


class Evidence(NamedTuple):
    """All of it, in an order of its own."""

    keys: list[HeldKey]
    links: list[SaidLink]
    questions: list[Question]
    values: list[ClaimedValue]
    parted: list[PartedCustomers]


# A split that no command asked for was the policy's, and its next change may undo it.
_PREPARED: Final = (
    """
    create or replace temp table claimed_values as
    select c.tenant_id, c.customer_id, v.identity_key, epoch_ms(c.last_seen_at) as said_at_ms
    from customers as c,
        unnest(
            list_transform(c.phones, lambda one: 'phone:' || one)
            || list_transform(c.emails, lambda one: 'email:' || one)
        ) as v(identity_key)
    anti join customer_identities as i
        on i.customer_id = c.customer_id and i.identity_key = v.identity_key
    anti join (
        select customer_id, identity_key from customer_links
        union
        select customer_id, other_identity_key from customer_links
    ) as k on k.customer_id = c.customer_id and k.identity_key = v.identity_key
    """,
    """
    create or replace temp table parted_customers as
    select distinct
        e.tenant_id,
        coalesce(m.customer_id, e.customer_id) as customer_id,
        coalesce(o.customer_id, e.split_from) as other_customer_id,
        epoch_ms(e.occurred_at) as decided_at_ms,
        m.customer_id is null as is_whole,
        o.customer_id is null as other_is_whole
    from customer_events as e
    left join merged_customers as m on m.merged_id = e.customer_id
    left join merged_customers as o on o.merged_id = e.split_from
    where e.event_type = 'customer.split'
        and exists (
            from customer_events as a
            where a.tenant_id = e.tenant_id
                and a.event_type = 'command.applied'
                and a.customer_id in (e.customer_id, e.split_from)
                and a.occurred_at between e.occurred_at - interval 1 minute and e.occurred_at
        )
    """,
    """
    create or replace temp table concerned as
    select customer_id from customer_links
    union
    select customer_id from customer_identities
    group by customer_id having count(distinct identity_key) > 1
    union
    select unnest([customer_id, other_customer_id])
    from link_suggestions
    where status != 'withdrawn'
    union
    select customer_id from claimed_values
    union
    select i.customer_id
    from customer_identities as i
    semi join claimed_values as v using (tenant_id, identity_key)
    union
    select unnest([customer_id, other_customer_id]) from parted_customers
    """,
)
_QUERIES: Final = (
    """
    select
        i.tenant_id, i.customer_id, i.identity_key, i.identity_id,
        epoch_ms(min(i.first_seen_at))
    from customer_identities as i
    semi join concerned using (customer_id)
    group by all
    order by all
    """,
    """
    select
        tenant_id, customer_id, identity_key, other_identity_key, rule, epoch_ms(said_at),
        message_id
    from customer_links
    order by all
    """,
    """
    select
        tenant_id, customer_id, identity_key, other_customer_id, other_identity_key, rule, reason,
        status, epoch_ms(said_at), message_id
    from link_suggestions
    where status != 'withdrawn'
    order by all
    """,
    "from claimed_values order by all",
    "from parted_customers where customer_id != other_customer_id order by all",
)


def evidence(warehouse: Warehouse) -> Evidence:
    """Return all that the copy knows."""
    connection = warehouse.connection
    there = {row[0] for row in connection.execute("show tables").fetchall()}
    if missing := sorted(_TABLES - there):
        raise WarehouseOutdatedError(
            f"the published copy lacks {', '.join(missing)}: run "
            "`omnichannel load --until-caught-up`, which publishes it anew"
        )
    for statement in _PREPARED:
        connection.execute(statement).fetchall()
    keys, links, questions, values, parted = (
        connection.execute(query).fetchall() for query in _QUERIES
    )
    return Evidence(
        _as(HeldKey, keys),
        _as(SaidLink, links),
        _as(Question, questions),
        _as(ClaimedValue, values),
        _as(PartedCustomers, parted),
    )


def _as(kind: Callable[..., Row], rows: list[Any]) -> list[Row]:
    return [kind(*row) for row in rows]
