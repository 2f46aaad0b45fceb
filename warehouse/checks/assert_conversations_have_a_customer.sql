-- A conversation of a customer we do not have: a lost customer record, or one of another tenant.
-- The stream's last minute is let off, for its customers may be loaded a moment later.
select v.tenant_id, v.conversation_id, v.customer_id
from marts.conversations as v
where v.last_message_at < (select max(last_message_at) from marts.conversations) - interval 1 minute
    and not exists (
        from marts.customers as c
        where c.customer_id = v.customer_id and c.tenant_id = v.tenant_id
    )
