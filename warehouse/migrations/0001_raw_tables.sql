-- What the streams said, as the loader understood it, and how far it has read. No primary keys on
-- the big tables: they cost the load a factor of twenty; checks/assert_*.sql watch their keys.

create schema raw;
create schema staging;
create schema marts;

-- One row per customer: the newest version.
create table raw.customers (
    customer_id varchar not null,
    tenant_id varchar not null,
    display_name varchar,
    identities struct(
        channel_id varchar,
        channel_type varchar,
        external_id varchar,
        identity_key varchar,
        first_seen_at timestamptz,
        last_seen_at timestamptz,
        last_inbound_at timestamptz,
        username varchar
    )[] not null,
    source varchar,
    first_channel_id varchar,
    first_contact_at timestamptz,
    original_external_id varchar,
    last_seen_at timestamptz,
    profile_picture_url varchar,
    phones varchar[] not null,
    emails varchar[] not null,
    tags varchar[] not null,
    custom_attributes map(varchar, varchar) not null,
    status varchar not null,
    merged_ids varchar[] not null,
    merged_into varchar,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);

-- One row per conversation: the newest version.
create table raw.conversations (
    conversation_id varchar not null,
    tenant_id varchar not null,
    customer_id varchar not null,
    channel_id varchar not null,
    channel_type varchar not null,
    external_id varchar not null,
    platform_conversation_id varchar,
    opened_by varchar not null,
    started_at timestamptz not null,
    last_message_at timestamptz not null,
    merged_into varchar,
    version bigint not null,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);

-- One row per event id: the first that was loaded.
create table raw.customer_events (
    event_id varchar not null,
    event_type varchar not null,
    tenant_id varchar not null,
    customer_id varchar not null,
    occurred_at timestamptz not null,
    channel_id varchar,
    channel_type varchar,
    external_id varchar,
    merged_into varchar,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);

-- One row per tenant, channel and message id: the first that was loaded.
create table raw.customer_messages (
    tenant_id varchar not null,
    channel_id varchar not null,
    channel_type varchar not null,
    message_id varchar not null,
    direction varchar not null,
    external_id varchar not null,
    identity_key varchar not null,
    customer_id varchar,
    conversation_id varchar,
    sent_at timestamptz not null,
    received_at timestamptz not null,
    content_type varchar not null,
    text varchar,
    agent_id varchar,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);

-- One row per record that the worker set aside: the first that was loaded.
create table raw.dead_letters (
    dead_letter_id varchar not null,
    source_topic varchar not null,
    source_partition integer not null,
    source_offset bigint not null,
    reason varchar not null,
    detail varchar,
    received_at timestamptz not null,
    key blob,
    raw blob,
    tenant_id varchar,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);

-- Records that the loader could not read, with their bytes, so that nothing is lost.
create table raw.rejected_rows (
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    reason varchar not null,
    recorded_at timestamptz,
    key blob,
    value blob,
    batch_id varchar not null,
    loaded_at timestamptz not null
);

-- Ids of customers that were erased (a record without a value): their facts are never kept.
create table raw.erased_customers (
    customer_id varchar primary key,
    loaded_at timestamptz not null
);

-- How far each partition is loaded: changed only in the transaction that loads its rows.
create table raw.ingest_offsets (
    topic varchar not null,
    "partition" integer not null,
    next_offset bigint not null,
    topic_id varchar,
    batch_id varchar not null,
    loaded_at timestamptz not null,
    primary key (topic, "partition")
);

-- The zone whose months and weeks a tenant's figures follow; rewritten by every refresh.
create table staging.tenant_time_zones (
    tenant_id varchar not null,
    time_zone varchar not null
);
