-- One row per channel and day, week or month: how the number of customers grew, as reported then and
-- as known now. Weeks begin on Monday; only periods in which something happened have a row.
-- grain: tenant_id, channel_id, grain, period_start   reads: marts.growth_days
with periods as (
    select *, unnest(['day', 'week', 'month']) as grain
    from marts.growth_days
)

select
    tenant_id::varchar                     as tenant_id,        -- the business
    channel_id::varchar                    as channel_id,       -- of the first contact; null of what no channel brought
    grain::varchar                         as grain,            -- day, week or month
    date_trunc(grain, day)::date           as period_start,     -- its first day, in the tenant's calendar
    sum(new_as_reported)::bigint           as new_as_reported,  -- customers the stream reported as new then
    sum(merged_since)::bigint              as merged_since,     -- of these, who went into another customer since
    sum(split_since)::bigint               as split_since,      -- customers of then whom a split made since
    sum(moved_since)::bigint               as moved_since,      -- who came to this period and channel less who left it
    sum(new_customers)::bigint             as new_customers,    -- as known now
    sum(contacted)::bigint                 as contacted,        -- of new_customers, those who have never written
    sum(merged)::bigint                    as merged,           -- merges that happened in the period
    sum(split)::bigint                     as split,            -- splits that happened in the period
    sum(erased)::bigint                    as erased,           -- people erased in the period
    (sum(sum(new_customers)) over (
        partition by tenant_id, channel_id, grain order by date_trunc(grain, day)
    ))::bigint                             as customers,        -- living now who began by the end of the period
from periods
group by tenant_id, channel_id, grain, date_trunc(grain, day)
