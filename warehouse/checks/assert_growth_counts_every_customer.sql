-- A tenant whose days of growth do not add up to its customers, or a day on which what was reported
-- then and what is known now are not bridged.
select tenant_id, g.customers as counted, c.customers as living, g.unexplained
from (
    select
        tenant_id,
        sum(new_customers) as customers,
        sum(abs(new_customers - new_as_reported + merged_since - split_since - moved_since))
            as unexplained
    from marts.growth_days
    group by tenant_id
) as g
full join (select tenant_id, count(*) as customers from marts.customers group by tenant_id) as c
    using (tenant_id)
where coalesce(g.customers, 0) <> coalesce(c.customers, 0) or g.unexplained > 0
