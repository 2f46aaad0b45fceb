-- Customers whose record came since the last refresh, or went.
-- grain: customer_id   reads: raw.customers, refresh.offsets, marts.customers
select r.customer_id
from raw.customers as r
left join refresh.offsets as o using (topic, "partition")
where r."offset" >= coalesce(o.next_offset, 0)
union
select m.customer_id
from marts.customers as m
anti join raw.customers as r using (customer_id)
