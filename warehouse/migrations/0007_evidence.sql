-- What else a customer's record tells of who the customer is, as JSON: evidence that does not link, and
-- decisions. Null where there is none, or the record was written before there was the field.
alter table raw.customers add column evidence varchar;
