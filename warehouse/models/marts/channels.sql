-- One row per channel of a tenant: when it was used, by how many, and how much.
-- grain: tenant_id, channel_id   reads: marts.customer_identities, marts.channel_days
with used as (
    select
        tenant_id,
        channel_id,
        arg_max(channel_type, day) as channel_type,
        min(first_message_at) as first_message_at,
        max(last_message_at) as last_message_at,
        sum(messages_in) as messages_in,
        sum(messages_out) as messages_out
    from marts.channel_days
    group by tenant_id, channel_id
    having max(last_message_at) is not null
),

held as (
    select
        tenant_id,
        channel_id,
        arg_max(channel_type, last_seen_at) as channel_type,
        count(distinct customer_id) as customers
    from marts.customer_identities
    group by tenant_id, channel_id
)

select
    tenant_id::varchar                                    as tenant_id,         -- the business
    channel_id::varchar                                   as channel_id,        -- the inbox, by the id the business chose
    coalesce(u.channel_type, h.channel_type)::varchar     as channel_type,      -- whatsapp, telegram, sms, webchat, …
    u.first_message_at::timestamptz                       as first_message_at,  -- either way; null where no message was loaded
    u.last_message_at::timestamptz                        as last_message_at,   -- either way; null where no message was loaded
    coalesce(h.customers, 0)::bigint                      as customers,         -- customers living now who can be reached there
    coalesce(u.messages_in, 0)::bigint                    as messages_in,       -- messages from people
    coalesce(u.messages_out, 0)::bigint                   as messages_out,      -- messages to people
from used as u
full join held as h using (tenant_id, channel_id)
