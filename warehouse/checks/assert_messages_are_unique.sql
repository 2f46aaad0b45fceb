-- A message counted twice: a redelivery that was loaded again, or a join in the mart that fans out.
select tenant_id, channel_id, message_id, count(*) as rows
from marts.messages
group by tenant_id, channel_id, message_id
having count(*) > 1
