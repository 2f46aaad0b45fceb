-- One row per customer living now, channel and day on which they wrote or were written to: what
-- every figure about activity is made of.
-- grain: tenant_id, customer_id, channel_id, day   reads: marts.messages, marts.customers   touched: touched_customer_days
select
    m.tenant_id::varchar                                          as tenant_id,     -- the business
    m.customer_id::varchar                                        as customer_id,   -- whose messages they are now
    m.channel_id::varchar                                         as channel_id,    -- the inbox
    m.sent_on::date                                               as day,           -- in the tenant's calendar
    (count(*) filter (where m.direction = 'inbound'))::bigint     as messages_in,   -- from the person
    (count(*) filter (where m.direction = 'outbound'))::bigint    as messages_out,  -- to the person
from marts.messages as m
/* touched: semi join touched_customer_days as t
    on t.tenant_id = m.tenant_id and t.customer_id = m.customer_id and t.day = m.sent_on
semi join (select distinct day from touched_customer_days) as d on d.day = m.sent_on */
semi join (
    from marts.customers
    /* touched: semi join touched_customer_days using (customer_id) */
) as c on c.customer_id = m.customer_id and c.tenant_id = m.tenant_id
group by m.tenant_id, m.customer_id, m.channel_id, m.sent_on
