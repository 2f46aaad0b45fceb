-- A customer whom nobody can reach, or be: every customer began with a message on some channel.
select c.customer_id, c.tenant_id
from marts.customers as c
anti join marts.customer_identities as i using (customer_id)
