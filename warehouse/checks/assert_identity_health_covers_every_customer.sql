-- A tenant without its row about identities, or with one that counts other customers.
select tenant_id, h.customers as counted, c.customers as living
from marts.identity_health as h
full join (select tenant_id, count(*) as customers from marts.customers group by tenant_id) as c
    using (tenant_id)
where coalesce(h.customers, -1) <> coalesce(c.customers, 0)
