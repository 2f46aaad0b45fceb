-- An event lost or doubled between raw and mart: the two counts differ for its tenant.
select tenant_id, coalesce(m.events, 0) as shown, coalesce(l.events, 0) as loaded
from (select tenant_id, count(*) as events from marts.customer_events group by tenant_id) as m
full join (
    select tenant_id, count(*) as events from raw.customer_events group by tenant_id
) as l using (tenant_id)
where coalesce(m.events, 0) <> coalesce(l.events, 0)
