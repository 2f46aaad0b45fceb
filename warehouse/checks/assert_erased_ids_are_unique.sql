-- An erased id shown twice: a join in the mart that fans out.
select erased_id, count(*) as rows
from marts.erased_customers
group by erased_id
having count(*) > 1
