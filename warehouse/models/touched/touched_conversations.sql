-- Conversations that came or went since the last refresh, that are somebody else's now, or that began
-- on a day to be made anew.
-- grain: conversation_id   reads: raw.conversations, raw.erased_customers, touched_partitions, staging.tenant_time_zones, restated_days, touched_owners, touched_merges, marts.conversations
select r.conversation_id
from raw.conversations as r
semi join (from touched_partitions where ends_with(topic, 'conversations')) as p
    on p.topic = r.topic and p."partition" = r."partition" and r."offset" >= p.first_offset
union
select r.conversation_id
from raw.conversations as r
semi join touched_owners as t using (tenant_id, channel_id, external_id)
union
select r.conversation_id
from raw.conversations as r
semi join touched_merges as t on t.tenant_id = r.tenant_id and t.merged_id = r.customer_id
union
select m.conversation_id
-- Conversations only ever go because somebody was erased: without that there is nothing to look for.
from (
    from marts.conversations
    semi join (select true from raw.erased_customers limit 1) on true
) as m
anti join raw.conversations as r using (conversation_id)
union
select r.conversation_id
from raw.conversations as r
join staging.tenant_time_zones as z on z.tenant_id = r.tenant_id
semi join restated_days as d
    on d.tenant_id = r.tenant_id and d.day = timezone(z.time_zone, r.started_at)::date
union
select m.conversation_id
from marts.conversations as m
semi join restated_days as d on d.tenant_id = m.tenant_id and d.day = m.started_on
