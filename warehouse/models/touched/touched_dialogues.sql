-- Conversations of which a message came, went, or changed, or lies on a day to be made anew.
-- grain: conversation_id   reads: changed_messages, restated_days, marts.messages, marts.replies
select conversation_id
from changed_messages
where conversation_id is not null
union
select m.conversation_id
from marts.messages as m
semi join restated_days as d on d.tenant_id = m.tenant_id and d.day = m.sent_on
where m.conversation_id is not null
union
select p.conversation_id
from marts.replies as p
semi join restated_days as d on d.tenant_id = p.tenant_id and d.day = p.waiting_on
