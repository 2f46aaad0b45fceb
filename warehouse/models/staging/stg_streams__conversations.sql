-- Every conversation the stream has told of, the merged ones included, newest version.
-- grain: conversation_id   reads: raw.conversations
select
    conversation_id,
    tenant_id,
    customer_id,
    identity_id,
    channel_id,
    channel_type,
    external_id,
    platform_conversation_id,
    opened_by,
    started_at,
    last_message_at,
    merged_into,
from raw.conversations
