-- The reference's three figures for each tenant, with the windows they are about. The month and
-- the ISO week (from Monday) are the tenant's own calendar's; ends are exclusive.
-- grain: tenant_id   reads: staging.tenant_time_zones, marts.customers, marts.messages   given: $now
with windows as (
    select
        tenant_id,
        time_zone,
        $now::timestamptz as as_of,
        timezone(time_zone, date_trunc('month', local_now)) as month_start,
        timezone(time_zone, date_trunc('month', local_now) + interval 1 month) as month_end,
        timezone(time_zone, date_trunc('week', local_now)) as week_start,
        timezone(time_zone, date_trunc('week', local_now) + interval 7 days) as week_end
    from (
        select tenant_id, time_zone, timezone(time_zone, $now::timestamptz) as local_now
        from staging.tenant_time_zones
    )
),

created as (
    select
        w.tenant_id,
        count(*) as total_customers,
        count(*) filter (where c.created_at >= w.month_start) as new_customers_this_month
    from windows as w
    join marts.customers as c on c.tenant_id = w.tenant_id and c.created_at <= w.as_of
    group by w.tenant_id
),

wrote as (
    select w.tenant_id, count(distinct m.customer_id) as active_customers_this_week
    from windows as w
    join marts.messages as m
        on m.tenant_id = w.tenant_id
        and m.sent_at >= w.week_start
        and m.sent_at <= w.as_of
        and m.direction = 'inbound'
    join marts.customers as c on c.customer_id = m.customer_id and c.tenant_id = m.tenant_id
    group by w.tenant_id
)

select
    w.tenant_id::varchar                                     as tenant_id,                   -- the business
    coalesce(c.total_customers, 0)::bigint                   as total_customers,             -- customers living now, contacted ones included
    coalesce(c.new_customers_this_month, 0)::bigint          as new_customers_this_month,    -- of these, created in the current calendar month
    coalesce(a.active_customers_this_week, 0)::bigint        as active_customers_this_week,  -- who wrote at least one message in the current ISO week
    w.time_zone::varchar                                     as time_zone,                   -- whose calendar month and week these are
    w.month_start::timestamptz                               as month_start,                 -- first instant of the month
    w.month_end::timestamptz                                 as month_end,                   -- first instant after the month
    w.week_start::timestamptz                                as week_start,                  -- first instant of Monday
    w.week_end::timestamptz                                  as week_end,                    -- first instant after Sunday
    w.as_of::timestamptz                                     as as_of,                       -- what comes later does not count
from windows as w
left join created as c using (tenant_id)
left join wrote as a using (tenant_id)
