-- A wait counted twice, or one that ended before it began.
select conversation_id, waiting_since, count(*) as rows
from marts.replies
group by conversation_id, waiting_since
having count(*) > 1 or min(reply_seconds) < 0
