-- Days, weeks and months with such a day.
-- grain: tenant_id, grain, period_start   reads: touched_days
with periods as (select tenant_id, day, unnest(['day', 'week', 'month']) as grain from touched_days)

select distinct tenant_id, grain, date_trunc(grain, day)::date as period_start
from periods
