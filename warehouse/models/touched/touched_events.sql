-- Events that came since the last refresh, went with a person who was erased, or happened on a day to
-- be made anew.
-- grain: event_id   reads: raw.customer_events, raw.erased_customers, refresh.offsets, staging.tenant_time_zones, restated_days, marts.customer_events
select r.event_id
from raw.customer_events as r
left join refresh.offsets as o using (topic, "partition")
where r."offset" >= coalesce(o.next_offset, 0)
union
select m.event_id
from marts.customer_events as m
anti join raw.customer_events as r using (event_id)
where m.customer_id in (select identity_id from raw.erased_customers)
    or m.identity_id in (select identity_id from raw.erased_customers)
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
