-- A day of a channel that counts other messages than there are: a refresh missed a day it touched.
select tenant_id, channel_id, day, d.messages as counted, m.messages as there
from (
    select tenant_id, channel_id, day, messages_in + messages_out as messages
    from marts.channel_days
    where messages_in + messages_out > 0
) as d
full join (
    select tenant_id, channel_id, sent_on as day, count(*) as messages
    from marts.messages
    group by tenant_id, channel_id, sent_on
) as m using (tenant_id, channel_id, day)
where d.messages is distinct from m.messages
