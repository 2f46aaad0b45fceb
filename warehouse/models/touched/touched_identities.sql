-- Channel identities of which a customer's record says anything else than before.
-- grain: tenant_id, channel_id, external_id   reads: changed_customer_identities
select distinct tenant_id, channel_id, external_id
from changed_customer_identities
