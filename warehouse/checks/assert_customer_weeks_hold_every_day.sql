-- A week in which a customer wrote, and which does not say so, or the other way round.
select tenant_id, customer_id, week
from (
    (
        select tenant_id, customer_id, week from marts.customer_weeks
        except all
        select distinct tenant_id, customer_id, date_trunc('week', day)::date as week
        from marts.customer_days
        where messages_in > 0
    )
    union all
    (
        select distinct tenant_id, customer_id, date_trunc('week', day)::date as week
        from marts.customer_days
        where messages_in > 0
        except all
        select tenant_id, customer_id, week from marts.customer_weeks
    )
)
