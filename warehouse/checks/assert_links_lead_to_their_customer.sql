-- Evidence about somebody else: a link of which neither end is a channel or an address of its
-- customer, or one that ends at a phone or e-mail address the customer does not have. A split or
-- an erasure left it behind. An end of another kind may be in the link alone, such as the
-- business's own reference.
with known_values as (
    select customer_id, identity_key from marts.customer_identities
    union
    select customer_id, 'phone:' || unnest(phones) as identity_key from marts.customers
    union
    select customer_id, 'email:' || unnest(emails) as identity_key from marts.customers
)

select l.tenant_id, l.customer_id, l.identity_key, l.other_identity_key, l.rule
from marts.customer_links as l
left join known_values as one
    on one.customer_id = l.customer_id and one.identity_key = l.identity_key
left join known_values as other
    on other.customer_id = l.customer_id and other.identity_key = l.other_identity_key
where (one.customer_id is null and other.customer_id is null)
    or (one.customer_id is null and regexp_matches(l.identity_key, '^(phone|email):'))
    or (other.customer_id is null and regexp_matches(l.other_identity_key, '^(phone|email):'))
