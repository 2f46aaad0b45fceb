-- An erasure names the identities it is about and, of a number that changed hands, from when until
-- when: its event says so, where records without a value on `customers` named ids alone.
alter table raw.customer_events add column erased struct(
    identity_id varchar, since timestamptz, until timestamptz
)[];

alter table raw.erased_customers rename to erased_customers_before;
create table raw.erased_customers (
    identity_id varchar not null,
    since timestamptz,
    until timestamptz,
    tenant_id varchar,
    erased_at timestamptz,
    loaded_at timestamptz not null
);
insert into raw.erased_customers
select identity_id, null, null, null, null, loaded_at from raw.erased_customers_before;
drop table raw.erased_customers_before;
