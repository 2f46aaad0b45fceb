-- One row per day from a tenant's first message on: who was active then, in the seven and in the
-- thirty days that end with it. Active is who wrote; who was only written to is not.
-- grain: tenant_id, day   reads: marts.customer_days, marts.customers, staging.tenant_time_zones   given: $now   touched: touched_activity_days
with wrote as (
    select distinct d.tenant_id, d.customer_id, d.day
    from marts.customer_days as d
    /* touched: join (
        select tenant_id, min(day) - 29 as since from touched_activity_days group by tenant_id
    ) as s on s.tenant_id = d.tenant_id and d.day >= s.since */
    where d.messages_in > 0
),

-- A day of writing makes a customer active for seven and for thirty days, or until the next one.
spells as (
    select
        tenant_id, day,
        lead(day) over (partition by tenant_id, customer_id order by day) as next_day
    from wrote
),

changes as (
    select tenant_id, day, 1 as wrote, 1 as in_week, 1 as in_month from spells
    union all
    select tenant_id, least(next_day, day + 7), 0, -1, 0 from spells
    union all
    select tenant_id, least(next_day, day + 30), 0, 0, -1 from spells
),

change_days as (
    select tenant_id, day, sum(wrote) as wrote, sum(in_week) as in_week, sum(in_month) as in_month
    from changes
    group by tenant_id, day
),

begun as (
    select tenant_id, created_on as day, count(*) as customers
    from marts.customers
    group by tenant_id, created_on
),

bounds as (
    select
        d.tenant_id,
        d.first_day,
        greatest(d.last_day, timezone(z.time_zone, $now::timestamptz)::date) as last_day
    from (
        select tenant_id, min(day) as first_day, max(day) as last_day
        from marts.customer_days
        where messages_in > 0
        group by tenant_id
    ) as d
    join staging.tenant_time_zones as z on z.tenant_id = d.tenant_id
),

days as (
    select tenant_id, unnest(generate_series(first_day, last_day, interval 1 day))::date as day
    from bounds
),

-- Customers who began before anybody wrote count from the first day on.
begun_by as (
    select b.tenant_id, greatest(g.day, b.first_day) as day, sum(g.customers) as customers
    from begun as g
    join bounds as b on b.tenant_id = g.tenant_id
    group by b.tenant_id, greatest(g.day, b.first_day)
),

running as (
    select
        d.tenant_id,
        d.day,
        coalesce(c.wrote, 0) as wrote,
        sum(coalesce(c.in_week, 0)) over in_order as in_week,
        sum(coalesce(c.in_month, 0)) over in_order as in_month,
        sum(coalesce(g.customers, 0)) over in_order as customers
    from days as d
    left join change_days as c on c.tenant_id = d.tenant_id and c.day = d.day
    left join begun_by as g on g.tenant_id = d.tenant_id and g.day = d.day
    window in_order as (partition by d.tenant_id order by d.day)
)

select
    tenant_id::varchar                      as tenant_id,       -- the business
    day::date                               as day,             -- in the tenant's calendar
    wrote::bigint                           as daily_active,    -- customers who wrote that day (DAU)
    in_week::bigint                         as weekly_active,   -- who wrote in the seven days that end with it (WAU)
    in_month::bigint                        as monthly_active,  -- who wrote in the thirty days that end with it (MAU)
    if(in_month > 0, wrote / in_month, null)::double as stickiness,  -- daily_active of monthly_active; null where nobody was
    customers::bigint                       as customers,       -- living now who began by then
    (customers - in_month)::bigint          as inactive,        -- of these, who did not write in the thirty days
from running
/* touched: semi join touched_activity_days using (tenant_id, day) */
