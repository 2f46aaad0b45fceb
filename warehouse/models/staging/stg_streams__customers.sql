-- Every customer the stream has told of, the merged ones included, newest version.
-- grain: customer_id   reads: raw.customers
select
    customer_id,
    tenant_id,
    display_name,
    identities,
    source,
    first_channel_id,
    first_contact_at,
    original_external_id,
    last_seen_at,
    profile_picture_url,
    phones,
    emails,
    tags,
    custom_attributes,
    status,
    merged_ids,
    merged_into,
    created_at,
    updated_at,
    version,
from raw.customers
