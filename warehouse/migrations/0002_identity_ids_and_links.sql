-- What the streams say since customers are linked by evidence: links on customers, the id of the
-- identity key on every fact, suggestions and policies. Whose a fact is decides its identity, so an
-- erasure takes that identity's facts and no other's.
-- Of older rows only the customer is known: it stands in for the identity, which is what an
-- erasure went by until now. Tables are rebuilt: DuckDB alters a table that holds changes of the
-- same transaction only in part.

alter table raw.customers rename to customers_before;
create table raw.customers (
    customer_id varchar not null,
    tenant_id varchar not null,
    display_name varchar,
    identities struct(
        channel_id varchar,
        channel_type varchar,
        external_id varchar,
        identity_key varchar,
        identity_id varchar,
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
    links struct(
        identity_key varchar,
        other_identity_key varchar,
        rule varchar,
        level varchar,
        said_at timestamptz,
        message_id varchar,
        channel_id varchar,
        said_by varchar
    )[] not null,
    blocked boolean not null,
    possible_new_owner_since timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);
insert into raw.customers by name
select
    * replace (
        [
            struct_pack(
                channel_id := i.channel_id,
                channel_type := i.channel_type,
                external_id := i.external_id,
                identity_key := i.identity_key,
                identity_id := customer_id,
                first_seen_at := i.first_seen_at,
                last_seen_at := i.last_seen_at,
                last_inbound_at := i.last_inbound_at,
                username := i.username
            )
            for i in identities
        ] as identities
    ),
    [] as links,
    false as blocked
from raw.customers_before;
drop table raw.customers_before;

alter table raw.conversations rename to conversations_before;
create table raw.conversations (
    conversation_id varchar not null,
    tenant_id varchar not null,
    customer_id varchar not null,
    identity_id varchar not null,
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
insert into raw.conversations by name
select *, customer_id as identity_id from raw.conversations_before;
drop table raw.conversations_before;

-- customer_id is null for what happened to a tenant, such as a new policy.
alter table raw.customer_events rename to customer_events_before;
create table raw.customer_events (
    event_id varchar not null,
    event_type varchar not null,
    tenant_id varchar not null,
    customer_id varchar,
    identity_id varchar,
    occurred_at timestamptz not null,
    channel_id varchar,
    channel_type varchar,
    external_id varchar,
    merged_into varchar,
    split_from varchar,
    rule varchar,
    command_id varchar,
    detail varchar,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);
insert into raw.customer_events by name
select *, customer_id as identity_id from raw.customer_events_before;
drop table raw.customer_events_before;

-- identity_id is null only in older rows of nobody known; the loader asks for it.
alter table raw.customer_messages rename to customer_messages_before;
create table raw.customer_messages (
    tenant_id varchar not null,
    channel_id varchar not null,
    channel_type varchar not null,
    message_id varchar not null,
    direction varchar not null,
    external_id varchar not null,
    identity_key varchar not null,
    identity_id varchar,
    customer_id varchar,
    conversation_id varchar,
    sent_at timestamptz not null,
    received_at timestamptz not null,
    content_type varchar not null,
    text varchar,
    agent_id varchar,
    is_clock_wrong boolean not null,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);
insert into raw.customer_messages by name
select *, customer_id as identity_id, false as is_clock_wrong from raw.customer_messages_before;
drop table raw.customer_messages_before;

-- One row per suggestion: the newest version.
create table raw.link_suggestions (
    suggestion_id varchar not null,
    tenant_id varchar not null,
    status varchar not null,
    reason varchar not null,
    rule varchar not null,
    level varchar not null,
    customer_id varchar not null,
    identity_key varchar not null,
    other_customer_id varchar,
    other_identity_key varchar not null,
    message_id varchar not null,
    said_at timestamptz not null,
    version bigint not null,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);

-- One row per tenant that has set a policy: the last one in the log, which is in force.
create table raw.policies (
    tenant_id varchar not null,
    policy varchar not null,
    set_at timestamptz not null,
    set_by varchar not null,
    command_id varchar not null,
    topic varchar not null,
    "partition" integer not null,
    "offset" bigint not null,
    loaded_at timestamptz not null
);

-- Ids of erased identity keys (records without a value on `customers`), the customer's own among
-- them: their facts are never kept.
alter table raw.erased_customers rename to erased_customers_before;
create table raw.erased_customers (
    identity_id varchar primary key,
    loaded_at timestamptz not null
);
insert into raw.erased_customers
select customer_id, loaded_at from raw.erased_customers_before;
drop table raw.erased_customers_before;
