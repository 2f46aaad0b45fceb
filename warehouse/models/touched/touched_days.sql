-- Days of tenants on which anything that figures count came, went, or changed, and those to be made
-- anew.
-- grain: tenant_id, day   reads: changed_messages, changed_conversations, changed_customer_events, changed_customer_days, changed_replies, recounted_customers, restated_days, marts.customer_events, marts.customers
with reported_anew as (
    select tenant_id, customer_id from recounted_customers
    union
    select tenant_id, customer_id from changed_customer_events where event_type = 'customer.created'
),

-- A conversation that only went on is counted as it was.
opened as (
    select conversation_id, tenant_id, channel_id, opened_by, started_on
    from changed_conversations
    group by all
    having count(*) = 1
)

from restated_days
union
select tenant_id, sent_on as day from changed_messages
union
select tenant_id, created_on as day from recounted_customers
union
select tenant_id, started_on as day from opened
union
select tenant_id, occurred_on as day from changed_customer_events
union
select tenant_id, waiting_on as day from changed_replies
union
select tenant_id, day from changed_customer_days
union
-- Where customers who changed were reported to have begun, and where those did who were reported.
select e.tenant_id, e.occurred_on as day
from marts.customer_events as e
semi join reported_anew using (tenant_id, customer_id)
where e.event_type = 'customer.created'
union
select c.tenant_id, c.created_on as day
from marts.customers as c
semi join reported_anew using (tenant_id, customer_id)
