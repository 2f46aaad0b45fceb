-- One row per record that was set aside: where it stood and why. Its raw bytes stay on the topic
-- and in the loader's own file: what could not be understood may hold anything about anybody.
-- grain: dead_letter_id   reads: staging.stg_streams__dead_letters
select
    d.dead_letter_id::varchar            as dead_letter_id,    -- topic, partition and offset of the record
    d.source_topic::varchar              as source_topic,      -- where it stood
    d.source_partition::integer          as source_partition,  -- the partition there
    d.source_offset::bigint              as source_offset,     -- the offset there
    d.reason::varchar                    as reason,            -- unreadable, invalid, not_a_person, too_large
    d.detail::varchar                    as detail,            -- which value, and what is expected
    d.received_at::timestamptz           as received_at,       -- when the broker had it
    d.tenant_id::varchar                 as tenant_id,         -- whose channel it came in on, where a header says so
    d.platform::varchar                  as platform,          -- whose native body it is; null of canonical records
    d.replay_of::varchar                 as replay_of,         -- the letter whose replay this is, set aside again
    d.replayed_at::timestamptz           as replayed_at        -- when it was put back on its topic; null while it waits
from staging.stg_streams__dead_letters as d
