-- A tenant with customers but without its figures, or with figures twice.
select tenant_id, count(s.tenant_id) as rows
from (select distinct tenant_id from marts.customers) as c
left join marts.customer_stats as s using (tenant_id)
group by tenant_id
having count(s.tenant_id) <> 1
