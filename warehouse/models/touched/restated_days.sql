-- Days that somebody asked to have made anew, in every tenant's calendar; of an ordinary refresh,
-- none.
-- grain: tenant_id, day   reads: staging.tenant_time_zones   given: $first_day, $last_day
select
    tenant_id,
    unnest(generate_series($first_day::date, $last_day::date, interval 1 day))::date as day
from staging.tenant_time_zones
