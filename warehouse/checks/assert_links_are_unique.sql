-- The same evidence twice under one customer: the mart's grain is broken, or the worker kept two
-- first messages of one rule.
select customer_id, identity_key, other_identity_key, rule, count(*) as rows
from marts.customer_links
group by customer_id, identity_key, other_identity_key, rule
having count(*) > 1
