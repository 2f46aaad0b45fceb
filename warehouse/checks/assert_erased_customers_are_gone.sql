-- A trace of somebody who was erased: a record loaded after the erasure, or one it missed. Facts go
-- by the identity that they are about: a fact that merely named the erased customer, before a split,
-- is somebody else's. A customer who still holds an erased identity passes by itself when the
-- erasure was on its way at the load.
select 'customers' as "table", customer_id as identity_id, count(*) as rows
from raw.customers
where customer_id in (select identity_id from raw.erased_customers)
group by customer_id
union all
select 'customers.identities' as "table", identity.identity_id as identity_id, count(*) as rows
from (select unnest(identities) as identity from raw.customers)
where identity.identity_id in (select identity_id from raw.erased_customers)
group by identity.identity_id
union all
select 'customer_messages' as "table", identity_id, count(*) as rows
from raw.customer_messages
where identity_id in (select identity_id from raw.erased_customers)
group by identity_id
union all
select 'customer_events' as "table", identity_id, count(*) as rows
from raw.customer_events
where identity_id in (select identity_id from raw.erased_customers)
group by identity_id
union all
select 'conversations' as "table", identity_id, count(*) as rows
from raw.conversations
where identity_id in (select identity_id from raw.erased_customers)
group by identity_id
