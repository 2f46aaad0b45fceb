-- Old ids that lead elsewhere than they did.
-- grain: tenant_id, merged_id   reads: before_merged_customers, after_merged_customers
select distinct tenant_id, merged_id
from (
    (from before_merged_customers except from after_merged_customers)
    union all
    (from after_merged_customers except from before_merged_customers)
)
