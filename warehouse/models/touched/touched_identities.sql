-- Channel identities that came to a customer, went, or first wrote at another time; and where several
-- claim the same one, those of which a customer's record says anything else than before. Most only
-- wrote again, which changes no owner.
-- grain: tenant_id, channel_id, external_id   reads: changed_customer_identities, marts.customer_identities
with claimed as (
    select tenant_id, channel_id, external_id, identity_id
    from marts.customer_identities
    semi join changed_customer_identities using (external_id)
    group by all
    having count(*) > 1
)

select tenant_id, channel_id, external_id
from changed_customer_identities
group by tenant_id, channel_id, external_id, identity_id, customer_id, first_seen_at
having count(*) = 1
union
select tenant_id, channel_id, external_id
from claimed
