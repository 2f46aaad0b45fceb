-- One row per message, with whoever owns its channel identity, of its time, now: merges and splits
-- restate history. An identity that nobody owns leaves the customer the message was processed for.
-- grain: tenant_id, channel_id, message_id   reads: staging.stg_streams__customer_messages, marts.identity_owners, marts.merged_customers, marts.conversations
with surrounding as (
    -- Of conversations that overlap, the one the message was processed for, else the latest.
    select
        f.tenant_id,
        f.channel_id,
        f.message_id,
        arg_max(
            c.conversation_id,
            (c.conversation_id is not distinct from f.conversation_id, c.started_at, c.conversation_id)
        ) as conversation_id
    from staging.stg_streams__customer_messages as f
    join marts.conversations as c
        on c.tenant_id = f.tenant_id
        and c.channel_id = f.channel_id
        and c.external_id = f.external_id
        and f.sent_at between c.started_at and c.last_message_at
    group by f.tenant_id, f.channel_id, f.message_id
)

select
    f.tenant_id::varchar                                             as tenant_id,        -- the business it is with
    f.channel_id::varchar                                            as channel_id,       -- the inbox
    f.channel_type::varchar                                          as channel_type,     -- whatsapp, telegram, sms, webchat, …
    f.message_id::varchar                                            as message_id,       -- the platform's, unique in its channel
    f.direction::varchar                                             as direction,        -- inbound: from the person; outbound: to them
    coalesce(o.customer_id, m.customer_id, f.customer_id)::varchar   as customer_id,      -- whose message it is now; null where nobody is known
    coalesce(s.conversation_id, f.conversation_id)::varchar          as conversation_id,  -- the conversation whose time it falls in
    f.external_id::varchar                                           as external_id,      -- the person's id on that channel
    f.sent_at::timestamptz                                           as sent_at,          -- when it happened, as the platform says
    f.received_at::timestamptz                                       as received_at,      -- when we had it
    f.content_type::varchar                                          as content_type,     -- text, image, reaction, …
    f.text::varchar                                                  as text,             -- null where there was none
    f.agent_id::varchar                                              as agent_id,         -- who wrote it for the business, if known
    f.is_clock_wrong::boolean                                        as is_clock_wrong,   -- the platform's time cannot be right: sent_at is when we had it
from staging.stg_streams__customer_messages as f
left join surrounding as s using (tenant_id, channel_id, message_id)
left join marts.identity_owners as o
    on o.tenant_id = f.tenant_id
    and o.channel_id = f.channel_id
    and o.external_id = f.external_id
    and f.sent_at >= o.owned_from
    and f.sent_at < o.owned_until
left join marts.merged_customers as m
    on m.merged_id = f.customer_id and m.tenant_id = f.tenant_id
