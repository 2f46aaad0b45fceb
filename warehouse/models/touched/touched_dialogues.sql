-- Conversations of which a message came, went, or changed.
-- grain: conversation_id   reads: changed_messages
select distinct conversation_id
from changed_messages
where conversation_id is not null
