-- One row per channel, day of the week and hour with messages, over all time: when people write, and
-- when they are written to. message_hours has it by day.
-- grain: tenant_id, channel_id, weekday, hour   reads: marts.message_hours
select
    tenant_id::varchar             as tenant_id,     -- the business
    channel_id::varchar            as channel_id,    -- the inbox
    isodow(day)::integer           as weekday,       -- 1 Monday to 7 Sunday, in the tenant's calendar
    hour::integer                  as hour,          -- on the tenant's clock, 0 to 23
    sum(messages_in)::bigint       as messages_in,   -- from people
    sum(messages_out)::bigint      as messages_out,  -- to people
from marts.message_hours
group by tenant_id, channel_id, isodow(day), hour
