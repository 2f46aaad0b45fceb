-- Channel identities of customers that changed, as they were or as they are.
-- grain: tenant_id, channel_id, external_id   reads: before_customer_identities, after_customer_identities
select tenant_id, channel_id, external_id from before_customer_identities
union
select tenant_id, channel_id, external_id from after_customer_identities
