-- One row per conversation that lives now, with whoever owns its channel identity now.
-- grain: conversation_id   reads: staging.stg_streams__conversations, marts.customer_identities, marts.merged_customers
with owners as (
    select tenant_id, channel_id, external_id, customer_id
    from marts.customer_identities
    qualify row_number() over (
        partition by tenant_id, channel_id, external_id
        order by last_seen_at desc nulls last, customer_version desc, customer_id
    ) = 1
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
    c.last_message_at::timestamptz                                   as last_message_at,           -- time of its latest message
from staging.stg_streams__conversations as c
left join owners as o using (tenant_id, channel_id, external_id)
left join marts.merged_customers as m
    on m.merged_id = c.customer_id and m.tenant_id = c.tenant_id
where c.merged_into is null
