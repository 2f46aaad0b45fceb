-- A message of a customer we do not have: a lost customer record, or one of another tenant. The
-- stream's last minute is let off, for its customers may be loaded a moment later; so are
-- messages that belong to nobody because auto-creation is off.
select m.tenant_id, m.channel_id, m.message_id, m.customer_id
from marts.messages as m
where m.customer_id is not null
    and m.received_at < (select max(received_at) from marts.messages) - interval 1 minute
    and not exists (
        from marts.customers as c
        where c.customer_id = m.customer_id and c.tenant_id = m.tenant_id
    )
