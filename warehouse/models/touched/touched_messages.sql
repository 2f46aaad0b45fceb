-- Messages that came or went since the last refresh, or whose customer or conversation may have
-- changed: those in the time of a conversation that did, those of an identity that changed hands; and
-- those of a day to be made anew.
-- grain: tenant_id, channel_id, message_id   reads: raw.customer_messages, raw.erased_customers, touched_partitions, staging.tenant_time_zones, restated_days, touched_owners, touched_merges, changed_conversations, marts.messages
with times as (
    select tenant_id, channel_id, external_id, started_at, last_message_at
    from changed_conversations
    union
    select tenant_id, channel_id, external_id, '-infinity'::timestamptz, 'infinity'::timestamptz
    from touched_owners
)

select r.tenant_id, r.channel_id, r.message_id
from raw.customer_messages as r
semi join (from touched_partitions where ends_with(topic, 'customer-messages')) as p
    on p.topic = r.topic and p."partition" = r."partition" and r."offset" >= p.first_offset
union
select r.tenant_id, r.channel_id, r.message_id
from raw.customer_messages as r
semi join times as t
    on t.tenant_id = r.tenant_id
    and t.channel_id = r.channel_id
    and t.external_id = r.external_id
    and r.sent_at between t.started_at and t.last_message_at
union
select r.tenant_id, r.channel_id, r.message_id
from raw.customer_messages as r
semi join touched_merges as t on t.tenant_id = r.tenant_id and t.merged_id = r.customer_id
union
-- Messages only ever go because their person was erased.
select m.tenant_id, m.channel_id, m.message_id
from (from marts.messages semi join raw.erased_customers using (identity_id)) as m
anti join raw.customer_messages as r using (tenant_id, channel_id, message_id)
union
select r.tenant_id, r.channel_id, r.message_id
from raw.customer_messages as r
join staging.tenant_time_zones as z on z.tenant_id = r.tenant_id
semi join restated_days as d
    on d.tenant_id = r.tenant_id and d.day = timezone(z.time_zone, r.sent_at)::date
union
select m.tenant_id, m.channel_id, m.message_id
from marts.messages as m
semi join restated_days as d on d.tenant_id = m.tenant_id and d.day = m.sent_on
