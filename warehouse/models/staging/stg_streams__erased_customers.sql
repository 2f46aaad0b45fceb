-- Every id that was erased: of a person's each identity key, the customer's own id among them.
-- grain: identity_id   reads: raw.erased_customers
select
    identity_id,
    loaded_at,
from raw.erased_customers
