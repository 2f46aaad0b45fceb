-- Customers as they were and as they are, where figures count them otherwise: most who change only
-- wrote again, which their days tell.
-- grain: tenant_id, customer_id   reads: changed_customers
select tenant_id, customer_id, status, first_channel_id, created_on
from changed_customers
group by all
having count(*) = 1
