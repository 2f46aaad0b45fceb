-- A message lost or doubled between raw and mart: the two counts differ for its channel.
select
    tenant_id,
    channel_id,
    coalesce(l.messages, 0) as loaded,
    coalesce(m.messages, 0) as shown
from (
    select tenant_id, channel_id, count(*) as messages
    from raw.customer_messages
    group by tenant_id, channel_id
) as l
full join (
    select tenant_id, channel_id, count(*) as messages
    from marts.messages
    group by tenant_id, channel_id
) as m using (tenant_id, channel_id)
where coalesce(l.messages, 0) <> coalesce(m.messages, 0)
