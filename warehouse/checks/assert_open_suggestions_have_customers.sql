-- A question about somebody we do not have: nobody could answer it. A lost customer record, or an
-- erasure that left the question behind. The stream's last minute is let off, for its customers
-- may be loaded a moment later.
select s.tenant_id, s.suggestion_id, s.customer_id, s.other_customer_id
from marts.link_suggestions as s
where s.status = 'open'
    and s.said_at < (select max(received_at) from marts.messages) - interval 1 minute
    and (
        not exists (
            from marts.customers as c
            where c.customer_id = s.customer_id and c.tenant_id = s.tenant_id
        )
        or (
            s.other_customer_id is not null
            and not exists (
                from marts.customers as c
                where c.customer_id = s.other_customer_id and c.tenant_id = s.tenant_id
            )
        )
    )
