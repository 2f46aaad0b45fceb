-- Partitions of which anything was loaded since the last refresh, with the first such offset.
-- grain: topic, partition   reads: raw.ingest_offsets, refresh.offsets
select topic, "partition", coalesce(o.next_offset, 0) as first_offset
from raw.ingest_offsets as i
left join refresh.offsets as o using (topic, "partition")
where i.next_offset > coalesce(o.next_offset, 0)
