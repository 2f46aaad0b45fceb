-- A customer counted twice: a load that ran twice, or a newest-version rule that kept two.
select customer_id, count(*) as rows
from raw.customers
group by customer_id
having count(*) > 1
