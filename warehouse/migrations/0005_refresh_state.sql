-- What the marts were last made of: how far each partition was loaded then, by which models and
-- time zones, and as of when. What lies behind is what a refresh has to look at.
create schema refresh;
create table refresh.offsets (
    topic varchar not null,
    "partition" integer not null,
    next_offset bigint not null
);
create table refresh.state (
    fingerprint varchar not null,
    as_of timestamptz not null
);
