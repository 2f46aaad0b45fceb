-- A tenant whose days, weeks and months of growth count different customers.
select tenant_id, grain, sum(g.new_customers) as counted, d.new_customers as of_days
from marts.growth as g
full join (
    select tenant_id, sum(new_customers) as new_customers from marts.growth_days group by tenant_id
) as d using (tenant_id)
group by tenant_id, grain, d.new_customers
having counted is distinct from d.new_customers
