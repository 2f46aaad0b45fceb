-- One row per pair of keys whose customers may be one person, with how that was answered. Both
-- customers are the ones that live now, so that a merge elsewhere leaves no question behind.
-- grain: suggestion_id   reads: staging.stg_streams__link_suggestions, marts.merged_customers
select
    s.suggestion_id::varchar                                as suggestion_id,       -- ours; what confirms or refuses it names it
    s.tenant_id::varchar                                    as tenant_id,           -- the business whose customers these are
    s.status::varchar                                       as status,              -- open; confirmed or refused by somebody; settled by other evidence; withdrawn
    s.reason::varchar                                       as reason,              -- why it does not link: claimed, different_references, identity_cap
    s.rule::varchar                                         as rule,                -- kind of evidence: self_declared, phone_variant, …
    s.level::varchar                                        as level,               -- attested: somebody stands for it; claimed: the person only said so
    coalesce(m.customer_id, s.customer_id)::varchar         as customer_id,         -- one of the two
    s.identity_key::varchar                                 as identity_key,        -- the key of theirs that it is about
    coalesce(o.customer_id, s.other_customer_id)::varchar   as other_customer_id,   -- the other one; null where the key is nobody's yet
    s.other_identity_key::varchar                           as other_identity_key,  -- the other key
    s.message_id::varchar                                   as message_id,          -- the message that said so, or the command
    s.said_at::timestamptz                                  as said_at,             -- when it was first said
from staging.stg_streams__link_suggestions as s
left join marts.merged_customers as m
    on m.merged_id = s.customer_id and m.tenant_id = s.tenant_id
left join marts.merged_customers as o
    on o.merged_id = s.other_customer_id and o.tenant_id = s.tenant_id
