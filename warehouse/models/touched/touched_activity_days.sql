-- Days from the first such day on, for activity looks back thirty days, and customers add up.
-- grain: tenant_id, day   reads: touched_days, refresh.state, staging.tenant_time_zones, marts.activity, marts.customer_days   given: $now
with firsts as (
    select tenant_id, min(day) as first_day
    from (
        from touched_days
        union all
        -- Days that began since have a row of their own.
        select tenant_id, timezone(time_zone, (select as_of from refresh.state))::date as day
        from staging.tenant_time_zones
    )
    group by tenant_id
),

lasts as (
    select tenant_id, max(day) as last_day
    from (
        select tenant_id, day from marts.activity
        union all
        select tenant_id, day from marts.customer_days
        union all
        select tenant_id, timezone(time_zone, $now::timestamptz)::date as day
        from staging.tenant_time_zones
    )
    group by tenant_id
)

select f.tenant_id, unnest(generate_series(f.first_day, l.last_day, interval 1 day))::date as day
from firsts as f
join lasts as l using (tenant_id)
