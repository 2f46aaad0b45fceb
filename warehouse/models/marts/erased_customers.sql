-- One row per id that led to somebody who was erased: it says that there was somebody, and no more.
-- A person has as many as identity keys; only a customer's own id has its tenant and the moment.
-- grain: erased_id   reads: staging.stg_streams__erased_customers, staging.stg_streams__customer_events
with announced as (
    select customer_id, any_value(tenant_id) as tenant_id, min(occurred_at) as erased_at
    from staging.stg_streams__customer_events
    where event_type = 'customer.erased'
    group by customer_id
)

select
    e.identity_id::varchar                              as erased_id,  -- of a customer, or of one of their identity keys
    a.tenant_id::varchar                                as tenant_id,  -- the business whose customer this was; null for a key's id
    coalesce(a.erased_at, e.loaded_at)::timestamptz     as erased_at,  -- when it was asked for; of a key's id, when it was loaded
from staging.stg_streams__erased_customers as e
left join announced as a on a.customer_id = e.identity_id
