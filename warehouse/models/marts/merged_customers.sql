-- Where customers went that were merged: old ids keep resolving, however many merges lie between.
-- An id that lives again after a split leads nowhere else. A living customer that names the id knows
-- where it is now, the newest record best; the way that merges went is older.
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
    select unnest(merged_ids) as merged_id, tenant_id, customer_id, version
    from staging.stg_streams__customers
    where merged_into is null and len(merged_ids) > 0
),

-- Of the living those whom merges are about, which are few.
living as (
    select customer_id, tenant_id, version
    from staging.stg_streams__customers
    semi join (
        select merged_id as customer_id from named_by_survivor
        union
        select merged_id from steps
        union
        select customer_id from steps
    ) using (customer_id)
    where merged_into is null
),

lived_on as (
    select n.merged_id, n.tenant_id, n.customer_id, 1 as preference, n.version
    from named_by_survivor as n
    union all
    select s.merged_id, s.tenant_id, s.customer_id, 2 as preference, l.version
    from steps as s
    join living as l on l.customer_id = s.customer_id and l.tenant_id = s.tenant_id
)

select
    merged_id::varchar          as merged_id,    -- the id that a merge ended
    tenant_id::varchar          as tenant_id,    -- the business whose customers these are
    customer_id::varchar        as customer_id,  -- the customer who lives now
from lived_on
where not exists (
    from living as l where l.customer_id = lived_on.merged_id and l.tenant_id = lived_on.tenant_id
)
qualify row_number() over (
    partition by merged_id order by preference, version desc, customer_id
) = 1
