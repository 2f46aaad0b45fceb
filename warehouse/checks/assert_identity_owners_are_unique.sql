-- Two owners of a channel identity from the same moment on: messages would count twice.
select tenant_id, channel_id, external_id, owned_from, count(*) as rows
from marts.identity_owners
group by tenant_id, channel_id, external_id, owned_from
having count(*) > 1
