"""What the live view keeps of each topic: the warehouse's columns, the record itself as it is
answered, and what lists are sorted, filtered and searched by.
"""

from dataclasses import replace
from typing import Final

from pipelines.raw_tables import (
    ALL,
    CONVERSATIONS,
    CUSTOMER_EVENTS,
    CUSTOMER_MESSAGES,
    CUSTOMERS,
    LINK_SUGGESTIONS,
    Column,
    RawTable,
)
from streams.topics import full_name

# The record's own JSON: what is answered is what was written, to the letter.
_DOCUMENT: Final = Column("document", "tenantId", sql="value")

_WORDS: Final = """
    ' ' || array_to_string(list_concat(
        words_of(concat_ws(' ',
            r."displayName",
            array_to_string(r.emails, ' '),
            array_to_string([concat_ws(' ', i."externalId", i.username) for i in {}], ' ')
        )),
        flatten([ends_of(ltrim(p, '+')) for p in r.phones])
    ), ' ')
"""
_SORT_NAME: Final = "strip_accents(lower(nfc_normalize({})))"


_CHANNELS: Final = (
    """list_distinct([{{'id': i."channelId", 'type': i."channelType"}} for i in {}])"""
)


def _of_identities(name: str, sql: str) -> Column:
    return Column(name, "identities", CUSTOMERS.column("identities").type, sql=sql)


# The warehouse's columns by which lists are filtered; all else is in the document.
_FILTERED: Final = frozenset(
    {
        "customer_id",
        "tenant_id",
        "source",
        "last_seen_at",
        "phones",
        "emails",
        "tags",
        "status",
        "merged_ids",
        "merged_into",
        "blocked",
        "created_at",
        "version",
    }
)
# What says whose messages are whose, by which words one is found, and where one stands in lists but
# for when they were seen: no message changes it.
_LASTING: Final = """
    hash([
        (i."channelId", i."channelType", i."externalId", i."identityId", i."firstSeenAt",
            i.username)
        for i in {}
    ], r."mergedInto", r."displayName", r.emails, r.phones, r."createdAt")
"""

LIVE_CUSTOMERS: Final = replace(
    CUSTOMERS,
    joined_by="number",
    compared=("lasting",),
    columns=(
        *(column for column in CUSTOMERS.columns if column.name in _FILTERED),
        _DOCUMENT,
        # Side by side: a channel, and its type.
        _of_identities("channel_ids", f"[c.id for c in {_CHANNELS}]"),
        _of_identities("channel_types", f"[c.type for c in {_CHANNELS}]"),
        _of_identities("last_inbound_at", 'list_max([i."lastInboundAt" for i in {}])'),
        _of_identities("search_text", _WORDS.strip()),
        Column("name_rank", "displayName", sql=f"rank_of({_SORT_NAME}, 1)"),
        Column("name_rank_2", "displayName", sql=f"rank_of({_SORT_NAME}, 2)"),
        _of_identities("lasting", _LASTING.strip()),
        # Also tells rows of one rank or time apart.
        Column("number", "id", sql="number_of({})"),
    ),
)
_NUMBERED: Final = {
    CONVERSATIONS.name: Column("number", "id", sql="number_of({})"),
    CUSTOMER_EVENTS.name: Column("number", "id", sql="number_of({})"),
    CUSTOMER_MESSAGES.name: Column(
        "number", "messageId", sql='number_of_all([r."tenantId", r."channelId", {}])'
    ),
}


def _live(table: RawTable) -> RawTable:
    if table is CUSTOMERS:
        return LIVE_CUSTOMERS
    if table is LINK_SUGGESTIONS:
        return replace(table, columns=(*table.columns, _DOCUMENT))
    if (number := _NUMBERED.get(table.name)) is not None:
        return replace(table, joined_by="number", columns=(*table.columns, _DOCUMENT, number))
    return table


TABLES: Final = tuple(_live(table) for table in ALL)


def live_tables_by_topic(prefix: str) -> dict[str, RawTable]:
    """Return the live view's tables by their topics' names on the broker."""
    return {full_name(table.topic, prefix): table for table in TABLES}
