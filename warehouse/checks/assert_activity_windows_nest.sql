-- More people active in a day than in the week around it, or than in the month: a window of the
-- activity mart was not brought up to date.
select tenant_id, day, daily_active, weekly_active, monthly_active
from marts.activity
where daily_active > weekly_active or weekly_active > monthly_active or daily_active < 0
