-- A dead letter says of which platform its body is, and whether it was put back on its topic.
alter table raw.dead_letters add column platform varchar;
alter table raw.dead_letters add column headers map(varchar, varchar);
alter table raw.dead_letters add column is_cut boolean;
alter table raw.dead_letters add column replay_of varchar;
alter table raw.dead_letters add column replayed_at timestamptz;
