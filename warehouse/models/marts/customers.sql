-- One row per customer that lives now. Customers that went into another one are in merged_ids.
-- grain: customer_id   reads: staging.stg_streams__customers
select
    customer_id::varchar                       as customer_id,               -- ours; a merge keeps the older one's, and merged_customers leads from the other
    tenant_id::varchar                         as tenant_id,                 -- the business whose customer this is
    display_name::varchar                      as display_name,              -- name as people see it; a number where no name is known
    status::varchar                            as status,                    -- contacted until the person has written, then active
    source::varchar                            as source,                    -- how the customer came to be, such as auto_created
    first_channel_id::varchar                  as first_channel_id,          -- channel of the first contact
    original_external_id::varchar              as original_external_id,      -- id on that channel, as received
    first_contact_at::timestamptz              as first_contact_at,          -- time of the first message, either way
    last_seen_at::timestamptz                  as last_seen_at,              -- time of the latest message, either way
    profile_picture_url::varchar               as profile_picture_url,       -- null where the channel gave none
    phones::varchar[]                          as phones,                    -- every phone number known, E.164
    emails::varchar[]                          as emails,                    -- every e-mail address known
    tags::varchar[]                            as tags,                      -- labels that agents gave
    custom_attributes::map(varchar, varchar)   as custom_attributes,         -- the business's own fields
    blocked::boolean                           as blocked,                   -- whether somebody blocked them, which an unblocking takes back
    possible_new_owner_since::timestamptz      as possible_new_owner_since,  -- when, after a long silence, somebody of another name wrote from the same number; null otherwise
    merged_ids::varchar[]                      as merged_ids,                -- ids of the customers that went into this one
    len(identities)::integer                   as identity_count,            -- channel identities, see customer_identities
    created_at::timestamptz                    as created_at,                -- when this customer began: the earliest first contact of all merged
    updated_at::timestamptz                    as updated_at,                -- time of the newest change
    version::bigint                            as version,                   -- grows with every change
from staging.stg_streams__customers
where merged_into is null
