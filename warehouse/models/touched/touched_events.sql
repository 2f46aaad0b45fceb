-- Events that came since the last refresh, went with a person who was erased, or happened on a day to
-- be made anew.
-- grain: event_id   reads: raw.customer_events, raw.erased_customers, touched_partitions, staging.tenant_time_zones, restated_days, marts.customer_events
select r.event_id
from raw.customer_events as r
semi join (from touched_partitions where ends_with(topic, 'customer-events')) as p
    on p.topic = r.topic and p."partition" = r."partition" and r."offset" >= p.first_offset
union
select m.event_id
from (from marts.customer_events semi join raw.erased_customers using (identity_id)) as m
anti join raw.customer_events as r using (event_id)
union
select r.event_id
from raw.customer_events as r
join staging.tenant_time_zones as z on z.tenant_id = r.tenant_id
semi join restated_days as d
    on d.tenant_id = r.tenant_id and d.day = timezone(z.time_zone, r.occurred_at)::date
union
select m.event_id
from marts.customer_events as m
semi join restated_days as d on d.tenant_id = m.tenant_id and d.day = m.occurred_on
