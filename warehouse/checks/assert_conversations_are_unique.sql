-- A conversation counted twice: a load that ran twice, or a newest-version rule that kept two.
select conversation_id, count(*) as rows
from raw.conversations
group by conversation_id
having count(*) > 1
