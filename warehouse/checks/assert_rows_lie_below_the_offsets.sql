-- A row that the offsets do not cover: rows and offsets were not committed together, and the next
-- load would repeat it.
select r."table", r.topic, r."partition", r.last_offset, o.next_offset
from (
    select 'customers' as "table", topic, "partition", max("offset") as last_offset
    from raw.customers group by all
    union all
    select 'conversations' as "table", topic, "partition", max("offset") as last_offset
    from raw.conversations group by all
    union all
    select 'customer_events' as "table", topic, "partition", max("offset") as last_offset
    from raw.customer_events group by all
    union all
    select 'customer_messages' as "table", topic, "partition", max("offset") as last_offset
    from raw.customer_messages group by all
    union all
    select 'link_suggestions' as "table", topic, "partition", max("offset") as last_offset
    from raw.link_suggestions group by all
    union all
    select 'policies' as "table", topic, "partition", max("offset") as last_offset
    from raw.policies group by all
    union all
    select 'dead_letters' as "table", topic, "partition", max("offset") as last_offset
    from raw.dead_letters group by all
    union all
    select 'rejected_rows' as "table", topic, "partition", max("offset") as last_offset
    from raw.rejected_rows group by all
) as r
left join raw.ingest_offsets as o using (topic, "partition")
where o.next_offset is null or r.last_offset >= o.next_offset
