-- Days of tenants on which anything that figures count came, went, or changed.
-- grain: tenant_id, day   reads: changed_messages, changed_customers, before_conversations, after_conversations, before_customer_events, after_customer_events, marts.customer_events, marts.customers, before_customer_days, after_customer_days, before_replies, after_replies
with reported_anew as (
    select tenant_id, customer_id from changed_customers
    union
    select tenant_id, customer_id from before_customer_events where event_type = 'customer.created'
    union
    select tenant_id, customer_id from after_customer_events where event_type = 'customer.created'
)

select tenant_id, sent_on as day from changed_messages
union
select tenant_id, created_on as day from changed_customers
union
(
    select tenant_id, started_on as day
    from (
        (
            select conversation_id, tenant_id, channel_id, opened_by, started_on
            from before_conversations
            except
            select conversation_id, tenant_id, channel_id, opened_by, started_on
            from after_conversations
        )
        union all
        (
            select conversation_id, tenant_id, channel_id, opened_by, started_on
            from after_conversations
            except
            select conversation_id, tenant_id, channel_id, opened_by, started_on
            from before_conversations
        )
    )
)
union
select tenant_id, occurred_on as day from before_customer_events
union
select tenant_id, occurred_on as day from after_customer_events
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
union
(
    select tenant_id, waiting_on as day
    from ((from before_replies except from after_replies) union all (from after_replies except from before_replies))
)
union
(
    select tenant_id, day
    from (
        (from before_customer_days except from after_customer_days)
        union all
        (from after_customer_days except from before_customer_days)
    )
)
