-- A record that the loader could not read: a producer changed a contract. Its bytes are kept;
-- nothing is lost, but its customer or message is not in the marts.
select topic, "partition", "offset", reason
from raw.rejected_rows
order by topic, "partition", "offset"
