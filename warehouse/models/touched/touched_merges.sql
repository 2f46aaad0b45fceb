-- Old ids that lead elsewhere than they did.
-- grain: tenant_id, merged_id   reads: changed_merged_customers
select distinct tenant_id, merged_id
from changed_merged_customers
