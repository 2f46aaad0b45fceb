-- A trace of somebody who was erased: a record loaded after the erasure, or one it missed. Facts go
-- by the identity that they are about and, of a number that changed hands, by its owner's time: a
-- fact that merely named the erased customer, before a split, is somebody else's. A customer who
-- still holds an erased identity passes by itself when the erasure was on its way at the load.
with traces as (
    select 'customers' as "table", customer_id as identity_id, null::timestamptz as happened_at
    from raw.customers
    union all
    select 'customers.identities' as "table", identity.identity_id, null::timestamptz as happened_at
    from (select unnest(identities) as identity from raw.customers)
    union all
    select 'customer_messages' as "table", identity_id, sent_at as happened_at
    from raw.customer_messages
    union all
    select 'customer_events' as "table", identity_id, occurred_at as happened_at
    from raw.customer_events
    union all
    select 'conversations' as "table", identity_id, started_at as happened_at
    from raw.conversations
)

select t."table", t.identity_id, count(*) as rows
from traces as t
where exists (
    from raw.erased_customers as e
    where e.identity_id = t.identity_id
        and (e.since is null or t.happened_at >= e.since)
        and (e.until is null or t.happened_at is null or t.happened_at < e.until)
)
group by t."table", t.identity_id
