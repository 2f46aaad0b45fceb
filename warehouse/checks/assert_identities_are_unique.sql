-- An identity twice under one customer: the mart's grain is broken.
select customer_id, channel_id, external_id, count(*) as rows
from marts.customer_identities
group by customer_id, channel_id, external_id
having count(*) > 1
