-- A channel whose heat map counts other messages than its hours.
select tenant_id, channel_id, h.messages as shown, m.messages as there
from (
    select tenant_id, channel_id, sum(messages_in + messages_out) as messages
    from marts.activity_heat_map
    group by tenant_id, channel_id
) as h
full join (
    select tenant_id, channel_id, sum(messages_in + messages_out) as messages
    from marts.message_hours
    group by tenant_id, channel_id
) as m using (tenant_id, channel_id)
where h.messages is distinct from m.messages
