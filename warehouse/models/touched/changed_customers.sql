-- What figures count of customers, as it was and as it is, where that is not the same.
-- grain: tenant_id, customer_id   reads: before_customers, after_customers
with was as (
    select tenant_id, customer_id, status, first_channel_id, created_on from before_customers
),

now_is as (
    select tenant_id, customer_id, status, first_channel_id, created_on from after_customers
)

(from was except from now_is)
union all
(from now_is except from was)
