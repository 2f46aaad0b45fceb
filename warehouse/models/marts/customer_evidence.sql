-- One row per customer living now of whom more is known than the links that make them one person:
-- evidence that does not link, what somebody decided, and which numbers changed hands. What a changed
-- policy would make of the customers is told by it (`omnichannel what-if`).
-- grain: customer_id   reads: staging.stg_streams__customers   touched: touched_customers
select
    customer_id::varchar   as customer_id,  -- whose record tells it
    tenant_id::varchar     as tenant_id,    -- the business whose customer this is
    evidence::json         as evidence,     -- links, decisions, laterOwners and changedHands, as in the contract of the customer record
from staging.stg_streams__customers
/* touched: semi join touched_customers using (customer_id) */
where merged_into is null and evidence is not null
