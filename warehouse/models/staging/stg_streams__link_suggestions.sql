-- Pairs of customers who may be one person, newest version, the answered ones included.
-- grain: suggestion_id   reads: raw.link_suggestions
select
    suggestion_id,
    tenant_id,
    status,
    reason,
    rule,
    level,
    customer_id,
    identity_key,
    other_customer_id,
    other_identity_key,
    message_id,
    said_at,
    version,
from raw.link_suggestions
