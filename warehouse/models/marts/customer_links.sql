-- One row per piece of evidence that makes a customer living now one person: two identity keys, the
-- rule that ties them together, and who or what first said so. An end need not be a channel of the
-- customer's: it may be an address or the business's own reference, which nobody wrote from.
-- grain: customer_id, identity_key, other_identity_key, rule   reads: staging.stg_streams__customers   touched: touched_customers
with links as (
    select customer_id, tenant_id, unnest(links) as link
    from staging.stg_streams__customers
    /* touched: semi join touched_customers using (customer_id) */
    where merged_into is null
)

select
    customer_id::varchar               as customer_id,         -- whose two keys they are
    tenant_id::varchar                 as tenant_id,           -- the business whose customer this is
    link.identity_key::varchar         as identity_key,        -- one key, such as phone:+5511999998888
    link.other_identity_key::varchar   as other_identity_key,  -- the other one
    link.rule::varchar                 as rule,                -- kind of evidence: same_account, contact_shared, agent_merge, …
    link.level::varchar                as level,               -- attested: somebody stands for it; claimed: the person only said so
    link.said_at::timestamptz          as said_at,             -- when it was first said
    link.message_id::varchar           as message_id,          -- the message that said so, or the command
    link.channel_id::varchar           as channel_id,          -- the message's channel; null for a command
    link.said_by::varchar              as said_by,             -- who issued the command; null for a message
from links
