-- A person who is two customers: both live, and both hold the same channel identity. Passes by
-- itself when a merge was on its way at the load; it stays when the worker lost one.
select tenant_id, channel_id, external_id, list(customer_id order by customer_id) as customer_ids
from marts.customer_identities
group by tenant_id, channel_id, external_id
having count(distinct customer_id) > 1
