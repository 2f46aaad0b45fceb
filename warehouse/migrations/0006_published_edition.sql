-- Which edition of the published copy was made of these marts, and how large the file was when it was
-- last made whole. Without a row the next one is made whole. What was touched since then is in tables
-- beside it, refresh.unpublished_…, which refreshes fill.
create table refresh.published (
    edition varchar not null,
    whole_bytes bigint not null
);
