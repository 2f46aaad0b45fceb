-- One row per channel and day with messages or conversations opened; those of nobody known count.
-- grain: tenant_id, channel_id, day   reads: marts.messages, marts.conversations   touched: touched_days
with /* touched: days as (
    select distinct day from touched_days
), */

said as (
    select
        m.tenant_id,
        m.channel_id,
        m.sent_on as day,
        arg_max(m.channel_type, (m.sent_at, m.message_id)) as channel_type,
        min(m.sent_at) as first_message_at,
        max(m.sent_at) as last_message_at,
        count(*) filter (where m.direction = 'inbound') as messages_in,
        count(*) filter (where m.direction = 'outbound') as messages_out
    from marts.messages as m
    /* touched: semi join touched_days as t on t.tenant_id = m.tenant_id and t.day = m.sent_on
    semi join days as d on d.day = m.sent_on */
    group by m.tenant_id, m.channel_id, m.sent_on
),

opened as (
    select
        c.tenant_id,
        c.channel_id,
        c.started_on as day,
        count(*) filter (where c.opened_by = 'inbound') as opened_by_people,
        count(*) filter (where c.opened_by = 'outbound') as opened_by_us
    from marts.conversations as c
    /* touched: semi join touched_days as t on t.tenant_id = c.tenant_id and t.day = c.started_on
    semi join days as d on d.day = c.started_on */
    group by c.tenant_id, c.channel_id, c.started_on
)

select
    tenant_id::varchar                        as tenant_id,         -- the business
    channel_id::varchar                       as channel_id,        -- the inbox
    day::date                                 as day,               -- in the tenant's calendar
    s.channel_type::varchar                   as channel_type,      -- as of the day's last message; null where it had none
    s.first_message_at::timestamptz           as first_message_at,  -- of the day, either way
    s.last_message_at::timestamptz            as last_message_at,   -- of the day, either way
    coalesce(s.messages_in, 0)::bigint        as messages_in,       -- from people
    coalesce(s.messages_out, 0)::bigint       as messages_out,      -- to people
    coalesce(o.opened_by_people, 0)::bigint   as conversations_opened_by_people,    -- begun by a person's message
    coalesce(o.opened_by_us, 0)::bigint       as conversations_opened_by_business,  -- begun by ours
from said as s
full join opened as o using (tenant_id, channel_id, day)
