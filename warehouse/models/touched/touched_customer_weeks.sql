-- Weeks of customers whose days changed, and the weeks after; all weeks of one who began at another
-- time, came or went; those with a day to be made anew.
-- grain: tenant_id, customer_id, week   reads: touched_customer_days, recounted_customers, restated_days, marts.customer_days, marts.customer_weeks
select tenant_id, customer_id, date_trunc('week', day)::date as week from touched_customer_days
union
select tenant_id, customer_id, date_trunc('week', day)::date + 7 as week from touched_customer_days
union
select d.tenant_id, d.customer_id, date_trunc('week', d.day)::date as week
from marts.customer_days as d
semi join recounted_customers using (tenant_id, customer_id)
union
select w.tenant_id, w.customer_id, w.week
from marts.customer_weeks as w
semi join recounted_customers using (tenant_id, customer_id)
union
select w.tenant_id, w.customer_id, w.week
from marts.customer_weeks as w
semi join (
    select tenant_id, date_trunc('week', day)::date as week from restated_days
) as r on r.tenant_id = w.tenant_id and r.week = w.week
