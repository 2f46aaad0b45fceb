-- Partitions, each with the first offset that the last refresh had not seen: what lies from there on
-- came since.
-- grain: topic, partition   reads: raw.ingest_offsets, refresh.offsets
select topic, "partition", coalesce(o.next_offset, 0) as first_offset
from raw.ingest_offsets as i
left join refresh.offsets as o using (topic, "partition")
