-- A person who is two customers: both live, and both hold the same identity. (Of a number that
-- changed hands each owner has one.) Passes by itself when a merge was on its way at the load; it
-- stays when the worker lost one.
select tenant_id, channel_id, external_id, list(customer_id order by customer_id) as customer_ids
from marts.customer_identities
group by tenant_id, channel_id, external_id, identity_id
having count(distinct customer_id) > 1
