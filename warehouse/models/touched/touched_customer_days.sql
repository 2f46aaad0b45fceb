-- Days of customers of which a message came, went, or changed hands; all days of a customer who
-- came or went; all of a day to be made anew.
-- grain: tenant_id, customer_id, day   reads: changed_messages, recounted_customers, restated_days, marts.messages, marts.customer_days
with came_or_went as (
    select tenant_id, customer_id
    from recounted_customers
    group by tenant_id, customer_id
    having count(*) = 1
)

select tenant_id, customer_id, sent_on as day
from changed_messages
where customer_id is not null
union
select m.tenant_id, m.customer_id, m.sent_on as day
from marts.messages as m
semi join came_or_went using (tenant_id, customer_id)
union
select d.tenant_id, d.customer_id, d.day
from marts.customer_days as d
semi join came_or_went using (tenant_id, customer_id)
union
select m.tenant_id, m.customer_id, m.sent_on as day
from marts.messages as m
semi join restated_days as r on r.tenant_id = m.tenant_id and r.day = m.sent_on
where m.customer_id is not null
union
select d.tenant_id, d.customer_id, d.day
from marts.customer_days as d
semi join restated_days as r on r.tenant_id = d.tenant_id and r.day = d.day
