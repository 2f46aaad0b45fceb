-- A tenant whose customers by number of channels are not its customers.
select tenant_id, n.customers as counted, c.customers as living
from (
    select tenant_id, sum(customers) as customers
    from marts.customers_by_channel_count
    group by tenant_id
) as n
full join (select tenant_id, count(*) as customers from marts.customers group by tenant_id) as c
    using (tenant_id)
where n.customers is distinct from c.customers
