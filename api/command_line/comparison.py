"""What the warehouse says against what the traffic's maker knows."""

from collections.abc import Iterator
from datetime import datetime

from streams.traffic import Statistics, TenantTruth, Truth
from warehouse import Warehouse


def differences(truth: Truth, warehouse: Warehouse, *, now: datetime) -> list[str]:
    """Return a sentence for each figure that differs; nothing where all is right."""
    found = [
        sentence
        for tenant in truth.tenants.values()
        for sentence in _of_tenant(tenant, warehouse, now)
    ]
    broken = sum(truth.broken_by_kind.values())
    ((set_aside,),) = warehouse.sql("select count(*) from dead_letters").to_numpy().tolist()
    if set_aside != broken:
        found.append(f"dead letters: {set_aside} instead of {broken}")
    return found


def _of_tenant(tenant: TenantTruth, warehouse: Warehouse, now: datetime) -> Iterator[str]:
    given: dict[str, object] = {"tenant": tenant.tenant_id}
    identities = warehouse.sql(
        "select customer_id, channel_id, external_id from customer_identities "
        "where tenant_id = $tenant",
        given,
    )
    people: dict[str, set[tuple[str, str]]] = {}
    for customer_id, channel_id, external_id in identities.itertuples(index=False):
        people.setdefault(customer_id, set()).add((channel_id, external_id))
    expected = {customer.identities for customer in tenant.customers.values()}
    made = {frozenset(identities) for identities in people.values()}
    if made != expected or len(people) != len(tenant.customers):
        yield (
            f"{tenant.tenant_id}: {len(people)} customers instead of {len(tenant.customers)}; "
            f"{len(expected - made)} are missing, {len(made - expected)} should not be"
        )
    counts = warehouse.sql(
        "select channel_id, direction, count(*) as messages from messages "
        "where tenant_id = $tenant group by all",
        given,
    )
    messages = {(row.channel_id, row.direction): row.messages for row in counts.itertuples()}
    if messages != dict(tenant.messages):
        yield f"{tenant.tenant_id}: messages {messages} instead of {dict(tenant.messages)}"
    stats = warehouse.sql("select * from customer_stats where tenant_id = $tenant", given)
    figures = ["total_customers", "new_customers_this_month", "active_customers_this_week"]
    says = [Statistics(*row) for row in stats[figures].to_numpy().tolist()]
    knows = [tenant.statistics(now=now)]
    if says != knows:
        yield f"{tenant.tenant_id}: {says} instead of {knows}"
