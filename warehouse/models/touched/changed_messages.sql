-- What figures count of messages, as it was and as it is, where that is not the same.
-- grain: tenant_id, channel_id, message_id   reads: before_messages, after_messages
with was as (
    select tenant_id, channel_id, channel_type, message_id, direction, customer_id, conversation_id, sent_at, sent_on
    from before_messages
),

now_is as (
    select tenant_id, channel_id, channel_type, message_id, direction, customer_id, conversation_id, sent_at, sent_on
    from after_messages
)

(from was except from now_is)
union all
(from now_is except from was)
