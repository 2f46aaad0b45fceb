-- One row per channel and day on which customers began, or anything happened to them: as the stream
-- reported it then, as it is known now, and what lies between.
-- grain: tenant_id, channel_id, day   reads: marts.customer_events, marts.customers   touched: touched_days
with /* touched: days as (
    select distinct day from touched_days
),

counted_then as (
    select e.tenant_id, e.customer_id
    from marts.customer_events as e
    semi join days as t on t.day = e.occurred_on
    where e.event_type = 'customer.created'
    union
    select c.tenant_id, c.customer_id
    from marts.customers as c
    semi join days as t on t.day = c.created_on
), */

created as (
    select e.tenant_id, e.customer_id, e.channel_id, e.occurred_on as day
    from marts.customer_events as e
    /* touched: semi join counted_then using (tenant_id, customer_id) */
    where e.event_type = 'customer.created'
    qualify row_number() over (
        partition by e.tenant_id, e.customer_id order by e.occurred_at, e.event_id
    ) = 1
),

-- Whom the stream reported as new beside whom we know: each as one day's, or as two days'.
known as (
    select
        coalesce(r.tenant_id, c.tenant_id) as tenant_id,
        r.channel_id as reported_channel_id,
        r.day as reported_on,
        c.first_channel_id as channel_id,
        c.created_on as day,
        c.status
    from created as r
    full join (
        from marts.customers
        /* touched: semi join counted_then using (tenant_id, customer_id) */
    ) as c on c.customer_id = r.customer_id and c.tenant_id = r.tenant_id
),

counted as (
    select
        tenant_id, reported_channel_id as channel_id, reported_on as day,
        1 as reported, if(day is null, 1, 0) as merged_since, 0 as split_since,
        if(day is not null and (day, channel_id) is distinct from (reported_on, reported_channel_id), -1, 0) as moved,
        0 as new_customers, 0 as contacted, 0 as merged, 0 as split, 0 as erased
    from known
    where reported_on is not null
    union all
    select
        tenant_id, channel_id, day,
        0 as reported, 0 as merged_since, if(reported_on is null, 1, 0) as split_since,
        if(reported_on is not null and (day, channel_id) is distinct from (reported_on, reported_channel_id), 1, 0) as moved,
        1 as new_customers, if(status = 'contacted', 1, 0) as contacted,
        0 as merged, 0 as split, 0 as erased
    from known
    where day is not null
    union all
    select
        tenant_id, channel_id, occurred_on as day,
        0 as reported, 0 as merged_since, 0 as split_since, 0 as moved, 0 as new_customers,
        0 as contacted,
        if(event_type = 'customer.merged', 1, 0) as merged,
        if(event_type = 'customer.split', 1, 0) as split,
        if(event_type = 'customer.erased', 1, 0) as erased
    from marts.customer_events
    where event_type in ('customer.merged', 'customer.split', 'customer.erased')
)

select
    tenant_id::varchar                         as tenant_id,         -- the business
    channel_id::varchar                        as channel_id,        -- of the first contact; null of what no channel brought, such as an erasure
    day::date                                  as day,               -- in the tenant's calendar
    sum(reported)::bigint                      as new_as_reported,   -- customers the stream reported as new that day
    sum(merged_since)::bigint                  as merged_since,      -- of these, who went into another customer since
    sum(split_since)::bigint                   as split_since,       -- customers of that day whom a split made since
    sum(moved)::bigint                         as moved_since,       -- who came to this day and channel less who left it, because an older message was found
    sum(new_customers)::bigint                 as new_customers,     -- as known now: new_as_reported - merged_since + split_since + moved_since
    sum(contacted)::bigint                     as contacted,         -- of new_customers, those who have never written
    sum(merged)::bigint                        as merged,            -- merges that happened that day
    sum(split)::bigint                         as split,             -- splits that happened that day
    sum(erased)::bigint                        as erased,            -- people erased that day
from counted
/* touched: semi join touched_days using (tenant_id, day) */
group by tenant_id, channel_id, day
