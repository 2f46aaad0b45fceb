-- Customers whose record came since the last refresh, or went; and those of whom anything is dated on
-- a day to be made anew: who began then, were reported then, or hold an identity of its messages.
-- grain: customer_id   reads: raw.customers, raw.customer_messages, raw.customer_events, touched_partitions, staging.tenant_time_zones, restated_days, marts.customers, marts.customer_identities
with heard_from as (
    select distinct r.tenant_id, r.channel_id, r.external_id
    from raw.customer_messages as r
    join staging.tenant_time_zones as z on z.tenant_id = r.tenant_id
    semi join restated_days as d
        on d.tenant_id = r.tenant_id and d.day = timezone(z.time_zone, r.sent_at)::date
),

holders as (
    select customer_id, tenant_id, unnest(identities) as identity
    from raw.customers
    semi join restated_days using (tenant_id)
)

select r.customer_id
from raw.customers as r
semi join (from touched_partitions where ends_with(topic, 'customers')) as p
    on p.topic = r.topic and p."partition" = r."partition" and r."offset" >= p.first_offset
union
select m.customer_id
from marts.customers as m
anti join raw.customers as r using (customer_id)
union
select r.customer_id
from raw.customers as r
join staging.tenant_time_zones as z on z.tenant_id = r.tenant_id
semi join restated_days as d
    on d.tenant_id = r.tenant_id and d.day = timezone(z.time_zone, r.created_at)::date
union
select m.customer_id
from marts.customers as m
semi join restated_days as d on d.tenant_id = m.tenant_id and d.day = m.created_on
union
select r.customer_id
from raw.customer_events as r
join staging.tenant_time_zones as z on z.tenant_id = r.tenant_id
semi join restated_days as d
    on d.tenant_id = r.tenant_id and d.day = timezone(z.time_zone, r.occurred_at)::date
where r.customer_id is not null
union
select h.customer_id
from holders as h
semi join heard_from as f
    on f.tenant_id = h.tenant_id
    and f.channel_id = h.identity.channel_id
    and f.external_id = h.identity.external_id
union
select m.customer_id
from (from marts.customer_identities semi join restated_days using (tenant_id)) as m
semi join heard_from as f using (tenant_id, channel_id, external_id)
