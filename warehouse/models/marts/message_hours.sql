-- One row per channel, day and hour with messages: what the heat map is made of.
-- grain: tenant_id, channel_id, day, hour   reads: marts.messages, staging.tenant_time_zones   touched: touched_days
select
    m.tenant_id::varchar                                         as tenant_id,     -- the business
    m.channel_id::varchar                                        as channel_id,    -- the inbox
    m.sent_on::date                                              as day,           -- in the tenant's calendar
    hour(timezone(z.time_zone, m.sent_at))::integer              as hour,          -- on the tenant's clock, 0 to 23
    (count(*) filter (where m.direction = 'inbound'))::bigint    as messages_in,   -- from people
    (count(*) filter (where m.direction = 'outbound'))::bigint   as messages_out,  -- to people
from marts.messages as m
/* touched: semi join touched_days as t on t.tenant_id = m.tenant_id and t.day = m.sent_on
semi join (select distinct day from touched_days) as d on d.day = m.sent_on */
join staging.tenant_time_zones as z on z.tenant_id = m.tenant_id
group by m.tenant_id, m.channel_id, m.sent_on, hour(timezone(z.time_zone, m.sent_at))
