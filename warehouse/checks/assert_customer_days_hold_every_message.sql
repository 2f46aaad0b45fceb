-- A customer's day that counts other messages than there are: a refresh missed a customer.
select tenant_id, day, d.messages as counted, m.messages as there
from (
    select tenant_id, day, sum(messages_in + messages_out) as messages
    from marts.customer_days
    group by tenant_id, day
) as d
full join (
    select m.tenant_id, m.sent_on as day, count(*) as messages
    from marts.messages as m
    semi join marts.customers as c on c.customer_id = m.customer_id and c.tenant_id = m.tenant_id
    group by m.tenant_id, m.sent_on
) as m using (tenant_id, day)
where d.messages is distinct from m.messages
