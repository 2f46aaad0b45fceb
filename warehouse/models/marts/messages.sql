-- One row per message, with whoever owns its channel identity, of its time, now: merges and splits
-- restate history. An identity that nobody owns leaves the customer the message was processed for.
-- grain: tenant_id, channel_id, message_id   reads: staging.stg_streams__customer_messages, staging.tenant_time_zones, marts.identity_owners, marts.merged_customers, marts.conversations   touched: touched_messages
with facts as (
    from staging.stg_streams__customer_messages
    /* touched: semi join touched_messages using (tenant_id, channel_id, message_id) */
),

-- Nearly every message still lies in the conversation that it was processed for.
in_their_own as (
    select f.*, c.conversation_id as living_conversation_id
    from facts as f
    left join (
        from marts.conversations
        /* touched: semi join facts using (conversation_id) */
    ) as c
        on c.conversation_id = f.conversation_id
        and c.tenant_id = f.tenant_id
        and c.channel_id = f.channel_id
        and c.external_id = f.external_id
        and f.sent_at between c.started_at and c.last_message_at
),

-- Of others that hold its time, the latest.
in_another as (
    select
        f.tenant_id,
        f.channel_id,
        f.message_id,
        arg_max(c.conversation_id, (c.started_at, c.conversation_id)) as conversation_id
    from in_their_own as f
    join (
        from marts.conversations
        /* touched: semi join (
            select min(sent_at) as first_sent_at from in_their_own where living_conversation_id is null
        ) as f on conversations.last_message_at >= f.first_sent_at */
    ) as c
        on c.tenant_id = f.tenant_id
        and c.channel_id = f.channel_id
        and c.external_id = f.external_id
        and f.sent_at between c.started_at and c.last_message_at
    where f.living_conversation_id is null
    group by f.tenant_id, f.channel_id, f.message_id
)

select
    f.tenant_id::varchar                                             as tenant_id,        -- the business it is with
    f.channel_id::varchar                                            as channel_id,       -- the inbox
    f.channel_type::varchar                                          as channel_type,     -- whatsapp, telegram, sms, webchat, …
    f.message_id::varchar                                            as message_id,       -- the platform's, unique in its channel
    f.direction::varchar                                             as direction,        -- inbound: from the person; outbound: to them
    coalesce(o.customer_id, m.customer_id, f.customer_id)::varchar   as customer_id,      -- whose message it is now; null where nobody is known
    coalesce(f.living_conversation_id, s.conversation_id, f.conversation_id)::varchar as conversation_id,  -- the conversation whose time it falls in
    f.external_id::varchar                                           as external_id,      -- the person's id on that channel
    f.identity_id::varchar                                           as identity_id,      -- of the identity key, whoever owns it; null in rows of older versions
    f.sent_at::timestamptz                                           as sent_at,          -- when it happened, as the platform says
    timezone(z.time_zone, f.sent_at)::date                           as sent_on,          -- that day in the tenant's calendar
    f.received_at::timestamptz                                       as received_at,      -- when we had it
    f.content_type::varchar                                          as content_type,     -- text, image, reaction, …
    f.text::varchar                                                  as text,             -- null where there was none
    f.agent_id::varchar                                              as agent_id,         -- who wrote it for the business, if known
    f.is_clock_wrong::boolean                                        as is_clock_wrong,   -- the platform's time cannot be right: sent_at is when we had it
from in_their_own as f
join staging.tenant_time_zones as z on z.tenant_id = f.tenant_id
left join in_another as s
    on s.tenant_id = f.tenant_id and s.channel_id = f.channel_id and s.message_id = f.message_id
left join (
    from marts.identity_owners
    /* touched: semi join facts using (external_id) */
) as o
    on o.tenant_id = f.tenant_id
    and o.channel_id = f.channel_id
    and o.external_id = f.external_id
    and f.sent_at >= o.owned_from
    and f.sent_at < o.owned_until
left join marts.merged_customers as m
    on m.merged_id = f.customer_id and m.tenant_id = f.tenant_id
