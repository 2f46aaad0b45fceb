-- One row per way to reach a customer that lives now.
-- grain: customer_id, channel_id, external_id   reads: staging.stg_streams__customers   touched: touched_customers
with identities as (
    select customer_id, tenant_id, version, unnest(identities) as identity
    from staging.stg_streams__customers
    /* touched: semi join touched_customers using (customer_id) */
    where merged_into is null
)

select
    customer_id::varchar                    as customer_id,       -- who it is
    tenant_id::varchar                      as tenant_id,         -- the business whose customer this is
    identity.channel_id::varchar            as channel_id,        -- the inbox
    identity.channel_type::varchar          as channel_type,      -- whatsapp, telegram, sms, webchat, …
    identity.external_id::varchar           as external_id,       -- id on that channel, as received: what one sends to
    identity.identity_key::varchar          as identity_key,      -- what it was normalised to, such as phone:+5511999998888
    identity.identity_id::varchar           as identity_id,       -- of the identity key, whoever owns it: what facts and erasures name
    identity.username::varchar              as username,          -- the platform's handle, if any
    identity.first_seen_at::timestamptz     as first_seen_at,     -- time of its first message, either way
    identity.last_seen_at::timestamptz      as last_seen_at,      -- time of its latest message, either way
    identity.last_inbound_at::timestamptz   as last_inbound_at,   -- when the person last wrote through it; null if never
    version::bigint                         as customer_version,  -- of the customer's record that says so
from identities
qualify row_number() over (
    partition by customer_id, identity.channel_id, identity.external_id
    order by identity.last_seen_at desc nulls last
) = 1
