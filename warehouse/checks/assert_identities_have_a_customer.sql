-- An identity whose customer is not in the list: the marts were not built together.
select i.customer_id, i.channel_id, i.external_id
from marts.customer_identities as i
anti join marts.customers as c using (customer_id)
