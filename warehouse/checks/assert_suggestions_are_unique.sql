-- A suggestion shown twice: a load that ran twice, or a join in the mart that fans out.
select suggestion_id, count(*) as rows
from marts.link_suggestions
group by suggestion_id
having count(*) > 1
