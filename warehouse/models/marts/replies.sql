-- One row per time that a person waited for the business in a conversation: from the first message
-- nobody had answered to the next one from the business, whoever or whatever wrote it.
-- grain: conversation_id, waiting_since   reads: marts.messages   touched: touched_dialogues
with lines as (
    select
        tenant_id, channel_id, conversation_id, customer_id, direction, message_id, sent_at, sent_on,
        lag(direction) over in_order as before
    from marts.messages
    /* touched: semi join touched_dialogues using (conversation_id) */
    where conversation_id is not null
    -- What came at once was said by the person first.
    window in_order as (partition by conversation_id order by sent_at, direction, message_id)
),

turns as (
    select
        *,
        lead(sent_at) over (
            partition by conversation_id order by sent_at, direction, message_id
        ) as answered_at
    from lines
    where before is distinct from direction
)

select
    tenant_id::varchar                              as tenant_id,          -- the business
    channel_id::varchar                             as channel_id,         -- the inbox
    conversation_id::varchar                        as conversation_id,    -- where they waited
    customer_id::varchar                            as customer_id,        -- who waited; null where nobody is known
    sent_at::timestamptz                            as waiting_since,      -- their first message that had no answer
    sent_on::date                                   as waiting_on,         -- that day in the tenant's calendar
    answered_at::timestamptz                        as replied_at,         -- the answer; null while they wait
    date_diff('second', sent_at, answered_at)::bigint as reply_seconds,    -- how long they waited; null while they wait
    (before is null)::boolean                       as is_first_response,  -- whether it answers the message that opened the conversation
from turns
where direction = 'inbound'
