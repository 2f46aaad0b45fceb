-- A tenant whose links by rule are not the links of its customers.
select tenant_id, r.links as counted, l.links as there
from (select tenant_id, sum(links) as links from marts.links_by_rule group by tenant_id) as r
full join (select tenant_id, count(*) as links from marts.customer_links group by tenant_id) as l
    using (tenant_id)
where r.links is distinct from l.links
