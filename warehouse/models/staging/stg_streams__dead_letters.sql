-- What the worker could not understand, each record once.
-- grain: dead_letter_id   reads: raw.dead_letters
select
    dead_letter_id,
    source_topic,
    source_partition,
    source_offset,
    reason,
    detail,
    received_at,
    tenant_id,
    platform,
    replay_of,
    replayed_at,
from raw.dead_letters
