-- A tenant with two policies: a load that ran twice. One is in force, and this cannot say which.
select tenant_id, count(*) as rows
from raw.policies
group by tenant_id
having count(*) > 1
