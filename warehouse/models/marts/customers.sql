-- One row per customer that lives now. Customers that went into another one are in merged_ids.
-- grain: customer_id   reads: staging.stg_streams__customers, staging.tenant_time_zones   touched: touched_customers
select
    c.customer_id::varchar                       as customer_id,               -- ours; a merge keeps the older one's, and merged_customers leads from the other
    c.tenant_id::varchar                         as tenant_id,                 -- the business whose customer this is
    c.display_name::varchar                      as display_name,              -- name as people see it; a number where no name is known
    c.status::varchar                            as status,                    -- contacted until the person has written, then active
    c.source::varchar                            as source,                    -- how the customer came to be, such as auto_created
    c.first_channel_id::varchar                  as first_channel_id,          -- channel of the first contact
    c.original_external_id::varchar              as original_external_id,      -- id on that channel, as received
    c.first_contact_at::timestamptz              as first_contact_at,          -- time of the first message, either way
    c.last_seen_at::timestamptz                  as last_seen_at,              -- time of the latest message, either way
    c.profile_picture_url::varchar               as profile_picture_url,       -- null where the channel gave none
    c.phones::varchar[]                          as phones,                    -- every phone number known, E.164
    c.emails::varchar[]                          as emails,                    -- every e-mail address known
    c.tags::varchar[]                            as tags,                      -- labels that agents gave
    c.custom_attributes::map(varchar, varchar)   as custom_attributes,         -- the business's own fields
    c.blocked::boolean                           as blocked,                   -- whether somebody blocked them, which an unblocking takes back
    c.possible_new_owner_since::timestamptz      as possible_new_owner_since,  -- when, after a long silence, somebody of another name wrote from the same number; null otherwise
    c.merged_ids::varchar[]                      as merged_ids,                -- ids of the customers that went into this one
    len(c.identities)::integer                   as identity_count,            -- channel identities, see customer_identities
    list_unique([i.channel_id for i in c.identities])::integer as channel_count,  -- channels on which they can be reached
    c.created_at::timestamptz                    as created_at,                -- when this customer began: the earliest first contact of all merged
    timezone(z.time_zone, c.created_at)::date as created_on,  -- that day in the tenant's calendar
    c.updated_at::timestamptz                    as updated_at,                -- time of the newest change
    c.version::bigint                            as version,                   -- grows with every change
from staging.stg_streams__customers as c
/* touched: semi join touched_customers using (customer_id) */
join staging.tenant_time_zones as z on z.tenant_id = c.tenant_id
where c.merged_into is null
