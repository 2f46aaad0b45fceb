-- One row per customer living now and ISO week in which they wrote, and what that makes them.
-- grain: tenant_id, customer_id, week   reads: marts.customer_days, marts.customers   touched: touched_customer_weeks
with /* touched: days as (
    select unnest(generate_series(week - 7, week + 6, interval 1 day))::date as day
    from (select distinct week from touched_customer_weeks)
), */

weeks as (
    select distinct d.tenant_id, d.customer_id, date_trunc('week', d.day)::date as week
    from marts.customer_days as d
    /* touched: semi join days using (day) */
    where d.messages_in > 0
),

wrote as (
    from weeks
    /* touched: semi join touched_customer_weeks using (tenant_id, customer_id, week) */
)

select
    w.tenant_id::varchar                          as tenant_id,    -- the business
    w.customer_id::varchar                        as customer_id,  -- who wrote
    w.week::date                                  as week,         -- its Monday, in the tenant's calendar
    date_trunc('week', c.created_on)::date        as cohort_week,  -- the week in which the customer began
    case
        when w.week <= date_trunc('week', c.created_on) then 'new'
        when p.week is not null then 'returning'
        else 'resurrected'
    end::varchar                                  as lifecycle,    -- new: began this week; returning: wrote the week before too; resurrected: neither
from wrote as w
join marts.customers as c on c.customer_id = w.customer_id and c.tenant_id = w.tenant_id
left join weeks as p
    on p.tenant_id = w.tenant_id and p.customer_id = w.customer_id and p.week = w.week - 7
