-- One row per cohort (customers living now by the ISO week they began in) and later week in which
-- any of them wrote: how many of them did.
-- grain: tenant_id, cohort_week, week   reads: marts.customer_weeks, marts.customers
with cohorts as (
    select tenant_id, date_trunc('week', created_on)::date as cohort_week, count(*) as customers
    from marts.customers
    group by tenant_id, date_trunc('week', created_on)
),

wrote as (
    select tenant_id, cohort_week, week, count(*) as active
    from marts.customer_weeks
    where week >= cohort_week
    group by tenant_id, cohort_week, week
)

select
    w.tenant_id::varchar                               as tenant_id,    -- the business
    w.cohort_week::date                                as cohort_week,  -- the Monday of the week they began in
    w.week::date                                       as week,         -- the Monday of the week they wrote in
    (date_diff('day', w.cohort_week, w.week) // 7)::integer as weeks_later,  -- 0 is the cohort's own week
    c.customers::bigint                                as customers,    -- the cohort's size, those only contacted included
    w.active::bigint                                   as active,       -- of these, who wrote in that week
    (w.active / c.customers)::double                   as retention,    -- active of customers
from wrote as w
join cohorts as c on c.tenant_id = w.tenant_id and c.cohort_week = w.cohort_week
