-- One row per tenant: how well we know who is who.
-- grain: tenant_id   reads: marts.customers, marts.link_suggestions, marts.customer_events, staging.tenant_time_zones   given: $now
with known as (
    select
        tenant_id,
        count(*) as customers,
        sum(identity_count) as identities,
        count(*) filter (where len(phones) = 0) as without_phone,
        count(*) filter (where len(emails) = 0) as without_email,
        count(*) filter (where len(phones) = 0 and len(emails) = 0) as without_either,
        count(*) filter (where channel_count > 1) as on_several_channels
    from marts.customers
    group by tenant_id
),

asked as (
    select
        tenant_id,
        count(*) as open,
        count(*) filter (where rule = 'phone_variant') as variants,
        min(said_at) as oldest_at,
        median(date_diff('second', said_at, $now::timestamptz)) as median_age
    from marts.link_suggestions
    where status = 'open'
    group by tenant_id
),

happened as (
    select
        tenant_id,
        count(*) filter (where event_type = 'customer.merged') as merges,
        count(*) filter (where event_type = 'customer.split') as splits
    from marts.customer_events
    group by tenant_id
)

select
    z.tenant_id::varchar                            as tenant_id,                   -- the business
    coalesce(k.customers, 0)::bigint                as customers,                   -- living now
    coalesce(k.identities, 0)::bigint               as identities,                  -- ways to reach them
    coalesce(k.on_several_channels, 0)::bigint      as on_several_channels,         -- customers with more than one channel
    coalesce(k.without_phone, 0)::bigint            as without_phone,               -- customers of whom no number is known
    coalesce(k.without_email, 0)::bigint            as without_email,               -- customers of whom no address is known
    coalesce(k.without_either, 0)::bigint           as without_phone_or_email,      -- customers of whom neither is
    coalesce(a.open, 0)::bigint                     as suggestions_open,            -- questions nobody has answered
    coalesce(a.variants, 0)::bigint                 as unlinked_variants,           -- of these, two ways to write what may be one number
    a.oldest_at::timestamptz                        as oldest_suggestion_at,        -- the oldest of them; null where there is none
    a.median_age::double                            as suggestion_median_age_seconds,  -- as of now; null where there is none
    coalesce(h.merges, 0)::bigint                   as merges,                      -- customers that ever went into another one, erased ones aside
    coalesce(h.splits, 0)::bigint                   as splits,                      -- customers that were ever taken out of another one
    if(h.merges > 0, h.splits / h.merges, null)::double as un_merge_rate,           -- splits to merges; null where there was no merge
from staging.tenant_time_zones as z
left join known as k on k.tenant_id = z.tenant_id
left join asked as a on a.tenant_id = z.tenant_id
left join happened as h on h.tenant_id = z.tenant_id
