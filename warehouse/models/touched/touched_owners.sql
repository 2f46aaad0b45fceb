-- Channel identities that changed hands, or whose owners' times changed.
-- grain: tenant_id, channel_id, external_id   reads: before_identity_owners, after_identity_owners
select distinct tenant_id, channel_id, external_id
from (
    (from before_identity_owners except from after_identity_owners)
    union all
    (from after_identity_owners except from before_identity_owners)
)
