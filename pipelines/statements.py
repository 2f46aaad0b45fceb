"""The SQL that puts a batch into a raw table: parse, set aside, remove what is replaced, insert.

Pure text from our own constants; values are always bound. Guarded delete and anti-join insert
without a primary key loads a million rows a second where upserts manage fifty thousand.
"""

# ruff: noqa: S608 - names are our own constants, values are bound

from typing import Final

from pipelines.raw_tables import RawTable

RECORDS: Final = "batch_records"  # the Arrow table's name while a topic is staged


def staged_name(table: RawTable) -> str:
    """Return the temporary table that holds the batch's parsed rows."""
    return f"staged_{table.name}"


def stored_name(table: RawTable) -> str:
    """Return the temporary table that says which rows the batch's newest rows met."""
    return f"stored_{table.name}"


def taken_name(table: RawTable) -> str:
    """Return the temporary table that says which of the batch's rows the table takes."""
    return f"taken_{table.name}"


def stage(table: RawTable) -> str:
    """Parse the records; `rejected_for` says why a row cannot be used, and is null otherwise."""
    columns = ",\n        ".join(f"{c.expression} as {c.name}" for c in table.parsed)
    missing = "\n        ".join(
        f"when {c.name} is null then 'no usable {c.field}'" for c in table.parsed if c.required
    )
    if table.keeps == "newest":
        key = table.key[0]
        no_value = f"when is_tombstone then case when {key} is null then 'no value, no key' end"
        columns = columns.replace(
            f" as {key}", f" as parsed_key, coalesce(parsed_key, tombstone_key) as {key}", 1
        )
    else:  # the rows went when their person was erased; this is the same, said to the topic
        no_value = "when is_tombstone then case when key is null then 'no value, no key' end"
    is_row = "" if table.notes is None else f"where key is distinct from '{table.notes}'::blob"
    return f"""
    create or replace temp table {staged_name(table)} as
    with parsed as (
        select "partition", "offset", raw is null as is_tombstone, value is null as is_not_text,
            key, value, case when raw is null then try(decode(key)) end as tombstone_key,
            try(from_json(value, '{table.structure}')) as r
        from {RECORDS}
        {is_row}
    ),
    shaped as (
        select
        {columns},
        key, "partition", "offset", is_tombstone, is_not_text, r is null as is_not_json
        from parsed
    )
    select *, case
        {no_value}
        when is_not_text then 'not UTF-8'
        when is_not_json then 'not a JSON object'
        {missing}
        end as rejected_for
    from shaped
    """


def survey(table: RawTable) -> str:
    """Count what cannot be used, and the records that remove a row."""
    return f"""
    select
        count(*) filter (where rejected_for is not null),
        count(*) filter (where is_tombstone and rejected_for is null)
    from {staged_name(table)}
    """


def set_aside(table: RawTable) -> str:
    """Keep the bytes of what cannot be used, with the reason."""
    return f"""
    insert into raw.rejected_rows
    select $topic, s."partition", s."offset", s.rejected_for, b.recorded_at, b.key, b.raw,
        $batch_id, $loaded_at
    from {staged_name(table)} as s
    join {RECORDS} as b using ("partition", "offset")
    where s.rejected_for is not null
    """


def keep_newest(table: RawTable, *, has_tombstones: bool) -> str:
    """Note one row a key of the batch: the newest one behind its last removal.

    By its number alone, as what follows does: rows are wide, and to carry them costs more than all
    the rest.
    """
    staged, key = staged_name(table), table.key[0]
    joined = ", ".join(f"s.{column}" for column in table.joined)
    is_gone = f"""and not exists (
        from {staged} as t
        where t.is_tombstone and t.rejected_for is null
            and t.{key} = s.{key} and t."partition" = s."partition" and t."offset" > s."offset"
    )"""
    return f"""
    create or replace temp table newest_{table.name} as
    select s.rowid as staged_row, {joined}, s.{table.newest_by} as newness,
        s."offset"
    from {staged} as s
    where s.rejected_for is null and not s.is_tombstone {is_gone if has_tombstones else ""}
    qualify row_number() over (
        partition by s.{key} order by s.{table.newest_by} desc, s."offset" desc, s."partition"
    ) = 1
    """


def find_stored(table: RawTable) -> str:
    """Note the table's row of each key of the batch, and whether the batch's replaces it."""
    compared = "".join(f", t.{column}" for column in table.compared)
    newness = f"t.{table.newest_by}"
    return f"""
    create or replace temp table {stored_name(table)} as
    select n.staged_row, t.rowid as stored_row,
        n.newness > {newness} or (n.newness = {newness} and n."offset" >= t."offset") as is_replaced
        {compared}
    from {table.qualified} as t join newest_{table.name} as n using ({", ".join(table.joined)})
    """


def remove_tombstoned(table: RawTable) -> str:
    """Remove the rows whose keys came without a value."""
    staged, key = staged_name(table), table.key[0]
    return f"""
    delete from {table.qualified} where {key} in (
        select {key} from {staged} where is_tombstone and rejected_for is null
    )
    """


def remove_replaced(table: RawTable) -> str:
    """Remove the rows that the batch has newer versions of."""
    return f"""
    delete from {table.qualified}
    where rowid in (select stored_row from {stored_name(table)} where is_replaced)
    """


def take(table: RawTable) -> str:
    """Note which of the batch's rows the table is about to have and had not."""
    choose = _choose_newest if table.keeps == "newest" else _choose_first
    return f"""
    create or replace temp table {taken_name(table)} as
    {choose(table)}
    """


def insert(table: RawTable) -> str:
    """Insert what was taken."""
    names = ", ".join(f"s.{column.name}" for column in table.columns)
    return f"""
    insert into {table.qualified} by name
    select {names}, $topic as topic, s."partition", s."offset",
        $loaded_at::timestamptz as loaded_at
    from {staged_name(table)} as s
    where s.rowid in (select staged_row from {taken_name(table)})
    """


def _choose_newest(table: RawTable) -> str:
    """Choose what is newer than the table's row, or has none there."""
    return f"""
    select s.rowid as staged_row
    from {staged_name(table)} as s
    where s.rowid in (
        select staged_row from newest_{table.name}
        except
        select staged_row from {stored_name(table)} where not is_replaced
    )
        {_not_erased(table)}
    """


def _choose_first(table: RawTable) -> str:
    """Choose what the table does not have, the batch's first of each key, found by its number
    alone: to sort wide rows costs as much as to insert them.
    """
    keys = ", ".join(f"s.{key}" for key in table.key)
    same = " and ".join(f"t.{key} = s.{key}" for key in table.joined)
    return f"""
    select arg_min(s.rowid, row(s."offset", s."partition")) as staged_row
    from {staged_name(table)} as s
    where s.rejected_for is null and not s.is_tombstone
        and not exists (from {table.qualified} as t where {same})
        {_not_erased(table)}
    group by {keys}
    """


def remember_erased(events: RawTable) -> str:
    """Note for ever whom the batch's events say to be erased: each of the person's identities."""
    return f"""
    insert into raw.erased_customers
    with said as (
        select tenant_id, occurred_at, unnest(erased) as identity
        from {staged_name(events)}
        where rejected_for is null and not is_tombstone and event_type = 'customer.erased'
    )
    select
        identity.identity_id, identity.since, identity.until, min(tenant_id), min(occurred_at),
        $loaded_at::timestamptz
    from said
    where identity.identity_id is not null and not exists (
        from raw.erased_customers as e
        where e.identity_id = identity.identity_id
            and e.since is not distinct from identity.since
            and e.until is not distinct from identity.until
    )
    group by all
    """


def remove_erased(table: RawTable) -> str:
    """Remove what is about erased identities, whoever owned them."""
    return f"""
    delete from {table.qualified} as s
    where {_is_erased(table)}
    """


def _not_erased(table: RawTable) -> str:
    return "" if table.person is None else f"and not {_is_erased(table)}"


def _is_erased(table: RawTable) -> str:
    """Say whether the row `s` is about somebody who was erased; without a time, by the id alone."""
    at = table.happened_at
    is_of_then = (
        "e.since is null"
        if at is None
        else f"(e.since is null or s.{at} >= e.since) and (e.until is null or s.{at} < e.until)"
    )
    return f"""exists (
            from raw.erased_customers as e
            where e.identity_id = s.{table.person} and {is_of_then}
        )"""


MOVE_OFFSETS: Final = """
    update raw.ingest_offsets as o
    set next_offset = m.next_offset, topic_id = coalesce(m.topic_id, o.topic_id),
        batch_id = $batch_id, loaded_at = $loaded_at
    from batch_offsets as m
    where o.topic = m.topic and o."partition" = m."partition" and o.next_offset = m.from_offset
        and (o.topic_id = m.topic_id or o.topic_id is null or m.topic_id is null)
"""
ADD_OFFSETS: Final = """
    insert into raw.ingest_offsets
    select m.topic, m."partition", m.next_offset, m.topic_id, $batch_id, $loaded_at
    from batch_offsets as m
    where not exists (
        from raw.ingest_offsets as o where o.topic = m.topic and o."partition" = m."partition"
    )
"""
