-- Evidence of a customer who is not there, or twice of one: a refresh left behind what a merge or an
-- erasure had taken away. What a policy would change is then told wrongly.
select e.tenant_id, e.customer_id, count(*) as rows
from marts.customer_evidence as e
left join marts.customers as c using (customer_id, tenant_id)
group by all
having count(*) > 1 or count(c.customer_id) = 0
