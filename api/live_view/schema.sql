-- What the live view has beyond the warehouse's raw tables. Run once, on a new file: where this text
-- changes, the view is made anew from the topics.

-- Eight bytes of a text as a number, the first or the second ones: numbers sort like the text, and
-- a million of them are read in the time of some thousand texts. Less half their range: SQLite's
-- have a sign.
create macro rank_of(said, part) as (
    ('0x' || rpad(substr(hex(encode(said)), 16 * part - 15, 16), 16, '0'))::ubigint::hugeint
    - 9223372036854775808
)::bigint;

-- The number that stands for an id, or for several: each with its length, so that no two lists of
-- ids read the same.
create macro number_of(said) as (md5_number_lower(said) >> 1)::bigint;
create macro number_of_all(ids) as
    number_of(array_to_string([concat(len(id), ' ', id) for id in ids], ' '));

-- What many rows are filtered, sorted, searched and counted by stays, and nothing else: a customer's row
-- is written anew with every message, and each of its bytes again whenever the file is tidied up. The
-- records themselves are looked up in SQLite.
alter table raw.customers drop column display_name;
alter table raw.customers drop column identities;
alter table raw.customers drop column first_channel_id;
alter table raw.customers drop column first_contact_at;
alter table raw.customers drop column original_external_id;
alter table raw.customers drop column profile_picture_url;
alter table raw.customers drop column custom_attributes;
alter table raw.customers drop column links;
alter table raw.customers drop column merged_ids;
alter table raw.customers drop column possible_new_owner_since;
alter table raw.customers drop column evidence;
alter table raw.customers drop column updated_at;
alter table raw.conversations drop column customer_id;
alter table raw.conversations drop column channel_id;
alter table raw.conversations drop column channel_type;
alter table raw.conversations drop column external_id;
alter table raw.conversations drop column platform_conversation_id;
alter table raw.conversations drop column opened_by;
alter table raw.conversations drop column last_message_at;
alter table raw.conversations drop column merged_into;
alter table raw.customer_events drop column channel_id;
alter table raw.customer_events drop column channel_type;
alter table raw.customer_events drop column external_id;
alter table raw.customer_events drop column merged_into;
alter table raw.customer_events drop column split_from;
alter table raw.customer_events drop column rule;
alter table raw.customer_events drop column erased;
alter table raw.customer_messages drop column external_id;
alter table raw.customer_messages drop column identity_key;
alter table raw.customer_messages drop column customer_id;
alter table raw.customer_messages drop column conversation_id;
alter table raw.customer_messages drop column received_at;
alter table raw.customer_messages drop column content_type;
alter table raw.customer_messages drop column text;
alter table raw.customer_messages drop column agent_id;
alter table raw.customer_messages drop column is_clock_wrong;

alter table raw.customers add column channel_ids varchar[];
alter table raw.customers add column channel_types varchar[];
alter table raw.customers add column last_inbound_at timestamptz;
alter table raw.customers add column search_text varchar;
alter table raw.customers add column name_rank bigint;
alter table raw.customers add column name_rank_2 bigint;
alter table raw.customers add column lasting ubigint;
alter table raw.customers add column number bigint;
alter table raw.customer_messages add column number bigint;
alter table raw.conversations add column number bigint;
alter table raw.customer_events add column number bigint;
alter table raw.link_suggestions add column document varchar;

-- Every channel of every customer that lives.
create view customer_channels as
select
    tenant_id, number, last_seen_at,
    unnest(channel_ids) as channel_id, unnest(channel_types) as channel_type
from raw.customers where merged_into is null;

-- By what a single customer's things are looked up: a scan would read millions of rows for them.
create index events_by_command on raw.customer_events (command_id);
create index suggestions_by_id on raw.link_suggestions (suggestion_id);
