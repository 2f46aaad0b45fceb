-- Days that somebody asked to have made anew, in every tenant's calendar; of an ordinary refresh,
-- none. Tenants of whom no row is left are among them.
-- grain: tenant_id, day   reads: restated_tenants   given: $first_day, $last_day
select distinct
    tenant_id,
    unnest(generate_series($first_day::date, $last_day::date, interval 1 day))::date as day
from restated_tenants
