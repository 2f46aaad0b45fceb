-- Every identity that was erased; of a number that changed hands also what earlier ids were told of
-- the erased owner's time, from `since` until `until`.
-- grain: identity_id, since, until   reads: raw.erased_customers
select
    identity_id,
    since,
    until,
    tenant_id,
    erased_at,
    loaded_at,
from raw.erased_customers
