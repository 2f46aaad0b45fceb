-- Channel identities that changed hands, or whose owners' times changed.
-- grain: tenant_id, channel_id, external_id   reads: changed_identity_owners
select distinct tenant_id, channel_id, external_id
from changed_identity_owners
