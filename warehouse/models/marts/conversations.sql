-- One row per conversation that lives now, with whoever owns its channel identity now.
-- grain: conversation_id   reads: staging.stg_streams__conversations, marts.identity_owners, marts.merged_customers, staging.tenant_time_zones   touched: touched_conversations
with facts as (
    from staging.stg_streams__conversations
    /* touched: semi join touched_conversations using (conversation_id) */
    where merged_into is null
)

select
    c.conversation_id::varchar                                       as conversation_id,           -- ours
    c.tenant_id::varchar                                             as tenant_id,                 -- the business it is with
    coalesce(o.customer_id, m.customer_id, c.customer_id)::varchar   as customer_id,               -- who owns its channel identity now
    c.channel_id::varchar                                            as channel_id,                -- the inbox
    c.channel_type::varchar                                          as channel_type,              -- whatsapp, telegram, sms, webchat, …
    c.external_id::varchar                                           as external_id,               -- the person's id on that channel
    c.platform_conversation_id::varchar                              as platform_conversation_id,  -- the platform's own id, if it has one
    c.opened_by::varchar                                             as opened_by,                 -- inbound: the person wrote first; outbound: we did
    c.started_at::timestamptz                                        as started_at,                -- time of its first message
    timezone(z.time_zone, c.started_at)::date as started_on,  -- that day in the tenant's calendar
    c.last_message_at::timestamptz                                   as last_message_at,           -- time of its latest message
from facts as c
join staging.tenant_time_zones as z on z.tenant_id = c.tenant_id
left join (
    from marts.identity_owners
    /* touched: semi join facts using (external_id) */
) as o
    on o.tenant_id = c.tenant_id
    and o.channel_id = c.channel_id
    and o.external_id = c.external_id
    and c.started_at >= o.owned_from
    and c.started_at < o.owned_until
left join marts.merged_customers as m
    on m.merged_id = c.customer_id and m.tenant_id = c.tenant_id
