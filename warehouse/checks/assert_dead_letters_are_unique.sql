-- A dead letter counted twice: it was loaded again.
select dead_letter_id, count(*) as rows
from raw.dead_letters
group by dead_letter_id
having count(*) > 1
