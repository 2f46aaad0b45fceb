-- One row per owner of a channel identity: who it is, from when until when. A number that changed
-- hands (a split by time) has one for each; of two who claim it at once, the newer record is believed.
-- grain: tenant_id, channel_id, external_id, owned_from   reads: marts.customer_identities   touched: touched_identities
with owners as (
    select tenant_id, channel_id, external_id, identity_id, customer_id, first_seen_at
    from marts.customer_identities
    /* touched: semi join touched_identities using (tenant_id, channel_id, external_id) */
    qualify row_number() over (
        partition by tenant_id, channel_id, external_id, identity_id
        order by last_seen_at desc nulls last, customer_version desc, customer_id
    ) = 1
),

tenures as (
    select
        tenant_id,
        channel_id,
        external_id,
        customer_id,
        lag(first_seen_at) over by_time is null as is_first,
        first_seen_at,
        lead(first_seen_at) over by_time as next_seen_at
    from owners
    window by_time as (
        partition by tenant_id, channel_id, external_id order by first_seen_at, identity_id
    )
)

select
    tenant_id::varchar                                       as tenant_id,    -- the business
    channel_id::varchar                                      as channel_id,   -- the inbox
    external_id::varchar                                     as external_id,  -- id on that channel
    customer_id::varchar                                     as customer_id,  -- whose it is
    if(is_first, '-infinity'::timestamptz, first_seen_at)::timestamptz as owned_from,   -- from then on; of its first owner, always
    coalesce(next_seen_at, 'infinity'::timestamptz)::timestamptz       as owned_until,  -- until then, which is the next owner's; else for ever
from tenures
