"""What the published copy knows of who is who: customers' keys, and all evidence about them.

Owns which rows say so. Customers of one key of whom nobody said anything are left out: no rule can
change them. Times are epoch milliseconds, as the identity core has them.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from warehouse.errors import WarehouseOutdatedError
from warehouse.queries import Warehouse

Row = TypeVar("Row")

_TABLES: Final = frozenset(
    {"customer_evidence", "customer_identities", "customer_links", "customers", "link_suggestions"}
)


class HeldKey(NamedTuple):
    """An identity key of a customer who lives now; `is_named` where its own id once was one's."""

    tenant_id: str
    customer_id: str
    identity_key: str
    identity_id: str
    first_seen_at_ms: int
    is_named: bool


class SaidLink(NamedTuple):
    """Evidence that makes a customer one person."""

    tenant_id: str
    customer_id: str
    identity_key: str
    other_identity_key: str
    rule: str
    said_at_ms: int
    message_id: str


class Beside(NamedTuple):
    """What else a customer's record tells of evidence: JSON, by the record's contract."""

    tenant_id: str
    customer_id: str
    evidence: str


class Question(NamedTuple):
    """Evidence that did not link by itself, and that nobody has confirmed or settled."""

    tenant_id: str
    customer_id: str
    identity_key: str
    other_customer_id: str | None
    other_identity_key: str


class Evidence(NamedTuple):
    """All of it, in an order of its own."""

    keys: list[HeldKey]
    links: list[SaidLink]
    besides: list[Beside]
    questions: list[Question]


_PREPARED: Final = """
    create or replace temp table concerned as
    with named as (
        select tenant_id, unnest([identity_key, other_identity_key]) as identity_key
        from customer_links
        union
        select tenant_id, unnest([link.identityKey, link.otherIdentityKey])
        from (
            select
                tenant_id,
                unnest(from_json(
                    evidence->'links',
                    '[{"identityKey": "VARCHAR", "otherIdentityKey": "VARCHAR"}]'
                )) as link
            from customer_evidence
        )
    )
    select customer_id from customer_links
    union
    select customer_id from customer_evidence
    union
    select customer_id from customer_identities
    group by customer_id having count(distinct identity_key) > 1
    union
    select i.customer_id
    from customer_identities as i
    semi join (
        -- A number that changed hands is a key of each owner, those after the first with a ~.
        select
            tenant_id,
            regexp_replace(identity_key, '^(phone:[^~]*)~.*$', '\\1') as identity_key
        from named
    ) using (tenant_id, identity_key)
    union
    select unnest([customer_id, other_customer_id])
    from link_suggestions
    where status in ('open', 'refused')
"""
_QUERIES: Final = (
    """
    select
        i.tenant_id, i.customer_id, i.identity_key, i.identity_id,
        epoch_ms(min(i.first_seen_at)),
        bool_or(i.identity_id = i.customer_id or list_contains(c.merged_ids, i.identity_id))
    from customer_identities as i
    join customers as c using (customer_id)
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
    select tenant_id, customer_id, evidence::varchar
    from customer_evidence
    order by all
    """,
    """
    select tenant_id, customer_id, identity_key, other_customer_id, other_identity_key
    from link_suggestions
    where status in ('open', 'refused')
    order by all
    """,
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
    connection.execute(_PREPARED).fetchall()
    keys, links, besides, questions = (connection.execute(query).fetchall() for query in _QUERIES)
    return Evidence(
        _as(HeldKey, keys), _as(SaidLink, links), _as(Beside, besides), _as(Question, questions)
    )


def _as(kind: Callable[..., Row], rows: list[Any]) -> list[Row]:
    return [kind(*row) for row in rows]
