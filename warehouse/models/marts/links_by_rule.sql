-- One row per kind of evidence that makes customers living now one person.
-- grain: tenant_id, rule, level   reads: marts.customer_links
select
    tenant_id::varchar                    as tenant_id,  -- the business
    rule::varchar                         as rule,       -- kind of evidence
    level::varchar                        as level,      -- attested or claimed
    count(*)::bigint                      as links,      -- pieces of such evidence
    count(distinct customer_id)::bigint   as customers,  -- whose they are
from marts.customer_links
group by tenant_id, rule, level
