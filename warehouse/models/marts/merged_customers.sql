-- Where customers went that were merged: old ids keep resolving, however many merges lie between.
-- grain: merged_id   reads: staging.stg_streams__customers
with recursive steps as (
    select customer_id as merged_id, tenant_id, merged_into as customer_id, 1 as hops
    from staging.stg_streams__customers
    where merged_into is not null
    union all
    select s.merged_id, s.tenant_id, c.merged_into as customer_id, s.hops + 1 as hops
    from steps as s
    join staging.stg_streams__customers as c
        on c.customer_id = s.customer_id and c.tenant_id = s.tenant_id
    where c.merged_into is not null and s.hops < 1000
),

named_by_survivor as (
    select unnest(merged_ids) as merged_id, tenant_id, customer_id
    from staging.stg_streams__customers
    where merged_into is null
),

lived_on as (
    select s.merged_id, s.tenant_id, s.customer_id, 1 as preference
    from steps as s
    join staging.stg_streams__customers as c
        on c.customer_id = s.customer_id and c.tenant_id = s.tenant_id
    where c.merged_into is null
    union all
    select n.merged_id, n.tenant_id, n.customer_id, 2 as preference
    from named_by_survivor as n
)

select
    merged_id::varchar          as merged_id,    -- the id that a merge ended
    tenant_id::varchar          as tenant_id,    -- the business whose customers these are
    customer_id::varchar        as customer_id,  -- the customer who lives now
from lived_on
qualify row_number() over (partition by merged_id order by preference, customer_id) = 1
