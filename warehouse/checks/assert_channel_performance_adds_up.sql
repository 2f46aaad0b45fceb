-- A channel whose days do not add up to its months: a refresh missed a period it touched.
select tenant_id, channel_id, p.grain, sum(p.messages_in + p.messages_out) as counted, d.messages
from marts.channel_performance as p
full join (
    select tenant_id, channel_id, sum(messages_in + messages_out) as messages
    from marts.channel_days
    group by tenant_id, channel_id
) as d using (tenant_id, channel_id)
group by tenant_id, channel_id, p.grain, d.messages
having coalesce(counted, -1) <> coalesce(d.messages, 0)
