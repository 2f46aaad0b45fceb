-- A week whose new, returning and resurrected customers are not its active ones.
select tenant_id, week, active_customers, dormant_customers
from marts.lifecycle
where new_customers + returning_customers + resurrected_customers <> active_customers
    or dormant_customers < 0
