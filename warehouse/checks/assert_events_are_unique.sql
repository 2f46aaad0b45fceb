-- An event counted twice: its id was not derived from what happened, or it was loaded again.
select event_id, count(*) as rows
from raw.customer_events
group by event_id
having count(*) > 1
