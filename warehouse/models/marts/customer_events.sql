-- One row per thing that happened to a customer, or to a tenant: created, merged, split, erased, …
-- grain: event_id   reads: staging.stg_streams__customer_events, staging.tenant_time_zones   touched: touched_events
select
    e.event_id::varchar                        as event_id,     -- derived from what happened
    e.event_type::varchar                      as event_type,   -- customer.created, customer.merged, …
    e.tenant_id::varchar                       as tenant_id,    -- the business it happened at
    e.customer_id::varchar                     as customer_id,  -- the customer as of then; null for what happened to a tenant
    e.identity_id::varchar                     as identity_id,  -- of the identity key that it is about, if any
    e.occurred_at::timestamptz                 as occurred_at,  -- when it happened
    timezone(z.time_zone, e.occurred_at)::date as occurred_on,  -- that day in the tenant's calendar
    e.channel_id::varchar                      as channel_id,   -- the inbox, of what came with a message
    e.merged_into::varchar                     as merged_into,  -- of customer.merged: where the customer went
    e.split_from::varchar                      as split_from,   -- of customer.split: where the customer came from
    e.rule::varchar                            as rule,         -- kind of evidence, or the guard that tripped
    e.command_id::varchar                      as command_id,   -- of what was asked for
    e.detail::varchar                          as detail,       -- a sentence for people
from staging.stg_streams__customer_events as e
/* touched: semi join touched_events using (event_id) */
join staging.tenant_time_zones as z on z.tenant_id = e.tenant_id
