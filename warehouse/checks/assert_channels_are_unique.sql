-- A channel twice for a tenant: its messages disagree about something that the grain hides.
select tenant_id, channel_id, count(*) as rows
from marts.channels
group by tenant_id, channel_id
having count(*) > 1
