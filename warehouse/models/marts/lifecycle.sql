-- One row per ISO week with active customers, or the one after: who was new, came again, came back
-- after a pause, or fell silent. new + returning + resurrected = active.
-- grain: tenant_id, week   reads: marts.customer_weeks
with active as (
    select
        tenant_id,
        week,
        count(*) filter (where lifecycle = 'new') as new_customers,
        count(*) filter (where lifecycle = 'returning') as returning_customers,
        count(*) filter (where lifecycle = 'resurrected') as resurrected_customers,
        count(*) as active_customers
    from marts.customer_weeks
    group by tenant_id, week
)

select
    coalesce(a.tenant_id, p.tenant_id)::varchar           as tenant_id,    -- the business
    coalesce(a.week, p.week + 7)::date                    as week,         -- its Monday, in the tenant's calendar
    coalesce(a.active_customers, 0)::bigint               as active_customers,       -- who wrote
    coalesce(a.new_customers, 0)::bigint                  as new_customers,          -- of these, who began this week
    coalesce(a.returning_customers, 0)::bigint            as returning_customers,    -- who wrote the week before too
    coalesce(a.resurrected_customers, 0)::bigint          as resurrected_customers,  -- who began earlier and did not write the week before
    (coalesce(p.active_customers, 0) - coalesce(a.returning_customers, 0))::bigint as dormant_customers,  -- who wrote the week before, and not this week
from active as a
full join active as p on p.tenant_id = a.tenant_id and p.week = a.week - 7
