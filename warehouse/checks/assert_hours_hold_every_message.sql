-- A day of a channel whose hours do not add up to it.
select tenant_id, channel_id, day, h.messages as counted, d.messages as of_the_day
from (
    select tenant_id, channel_id, day, sum(messages_in + messages_out) as messages
    from marts.message_hours
    group by tenant_id, channel_id, day
) as h
full join (
    select tenant_id, channel_id, day, messages_in + messages_out as messages
    from marts.channel_days
    where messages_in + messages_out > 0
) as d using (tenant_id, channel_id, day)
where h.messages is distinct from d.messages
