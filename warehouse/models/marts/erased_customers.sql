-- One row per id that led to somebody who was erased: it says that there was somebody, and no more.
-- A person has as many as identity keys, the customer's own id among them.
-- grain: erased_id   reads: staging.stg_streams__erased_customers
select
    identity_id::varchar                                  as erased_id,  -- of a customer, or of one of their identity keys
    min(tenant_id)::varchar                               as tenant_id,  -- the business whose customer this was; null of what was loaded before it was said
    min(coalesce(erased_at, loaded_at))::timestamptz      as erased_at,  -- when it was asked for, else when it was loaded
from staging.stg_streams__erased_customers
where since is null
group by identity_id
