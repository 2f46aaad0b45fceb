-- One row per number of channels on which customers living now can be reached.
-- grain: tenant_id, channels   reads: marts.customers
select
    tenant_id::varchar       as tenant_id,  -- the business
    channel_count::integer   as channels,   -- on how many channels
    count(*)::bigint         as customers,  -- living now
from marts.customers
group by tenant_id, channel_count
