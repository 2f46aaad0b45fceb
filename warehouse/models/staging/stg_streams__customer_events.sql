-- What happened to customers, each event once.
-- grain: event_id   reads: raw.customer_events
select
    event_id,
    event_type,
    tenant_id,
    customer_id,
    occurred_at,
    channel_id,
    channel_type,
    external_id,
    merged_into,
from raw.customer_events
