-- What happened to customers and, without a customer_id, to tenants; each event once.
-- grain: event_id   reads: raw.customer_events
select
    event_id,
    event_type,
    tenant_id,
    customer_id,
    identity_id,
    occurred_at,
    channel_id,
    channel_type,
    external_id,
    merged_into,
    split_from,
    rule,
    command_id,
    detail,
from raw.customer_events
