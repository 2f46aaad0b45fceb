-- Events that came since the last refresh, or went with a person who was erased.
-- grain: event_id   reads: raw.customer_events, raw.erased_customers, refresh.offsets, marts.customer_events
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
