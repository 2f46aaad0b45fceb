-- A trace of somebody who was erased: a fact loaded after the erasure, or one it missed.
select 'customer_messages' as "table", customer_id, count(*) as rows
from raw.customer_messages
where customer_id in (select customer_id from raw.erased_customers)
group by customer_id
union all
select 'customer_events' as "table", customer_id, count(*) as rows
from raw.customer_events
where customer_id in (select customer_id from raw.erased_customers)
group by customer_id
union all
select 'conversations' as "table", customer_id, count(*) as rows
from raw.conversations
where customer_id in (select customer_id from raw.erased_customers)
group by customer_id
