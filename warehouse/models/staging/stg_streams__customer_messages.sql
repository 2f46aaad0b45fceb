-- Every message once, with the customer it belonged to when it was processed.
-- grain: tenant_id, channel_id, message_id   reads: raw.customer_messages
select
    tenant_id,
    channel_id,
    channel_type,
    message_id,
    direction,
    external_id,
    identity_key,
    identity_id,
    customer_id,
    conversation_id,
    sent_at,
    received_at,
    content_type,
    text,
    agent_id,
    is_clock_wrong,
from raw.customer_messages
