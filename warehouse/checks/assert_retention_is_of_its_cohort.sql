-- A cohort of which more wrote than there are.
select tenant_id, cohort_week, week, active, customers
from marts.retention
where active > customers or week < cohort_week
