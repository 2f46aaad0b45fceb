-- A merged customer whose survivor is nowhere: merges in a circle, or a lost survivor.
select c.customer_id, c.tenant_id, c.merged_into
from staging.stg_streams__customers as c
where c.merged_into is not null
    and not exists (from marts.merged_customers as m where m.merged_id = c.customer_id)
