"""What the live view's DuckDB file keeps of each topic: the columns that many rows are filtered,
sorted, searched and counted by, and nothing else. The records themselves are looked up (ADR 17).
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from api.live_view.words import SEARCH_TEXT
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

_SEARCH_TEXT: Final = f"""
    {SEARCH_TEXT}(
        concat_ws(' ',
            r."displayName",
            array_to_string(r.emails, ' '),
            array_to_string([concat_ws(' ', i."externalId", i.username) for i in {{}}], ' ')
        ),
        coalesce(array_to_string(r.phones, ' '), '')
    )
"""
_SORT_NAME: Final = "strip_accents(lower(nfc_normalize({})))"


_CHANNELS: Final = (
    """list_distinct([{{'id': i."channelId", 'type': i."channelType"}} for i in {}])"""
)


def _of_identities(name: str, sql: str) -> Column:
    return Column(name, "identities", CUSTOMERS.column("identities").type, sql=sql)


# The warehouse's columns by which customers are filtered, counted and found.
_KEPT_OF_CUSTOMERS: Final = frozenset(
    {
        "customer_id",
        "tenant_id",
        "source",
        "last_seen_at",
        "phones",
        "emails",
        "tags",
        "status",
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
        *(column for column in CUSTOMERS.columns if column.name in _KEPT_OF_CUSTOMERS),
        # Side by side: a channel, and its type. Required, as identities are.
        replace(_of_identities("channel_ids", f"[c.id for c in {_CHANNELS}]"), required=True),
        _of_identities("channel_types", f"[c.type for c in {_CHANNELS}]"),
        _of_identities("last_inbound_at", 'list_max([i."lastInboundAt" for i in {}])'),
        _of_identities("search_text", _SEARCH_TEXT.strip()),
        Column("name_rank", "displayName", sql=f"rank_of({_SORT_NAME}, 1)"),
        Column("name_rank_2", "displayName", sql=f"rank_of({_SORT_NAME}, 2)"),
        _of_identities("lasting", _LASTING.strip()),
        # Also tells rows of one rank or time apart.
        Column("number", "id", sql="number_of({})"),
    ),
    staged=(CUSTOMERS.column("updated_at"), _DOCUMENT),
)
_NUMBER: Final = Column("number", "id", sql="number_of({})")
_NUMBER_OF_MESSAGE: Final = Column(
    "number", "messageId", sql='number_of_all([r."tenantId", r."channelId", {}])'
)


def _numbered(table: RawTable, number: Column, kept: Collection[str]) -> RawTable:
    """Return the table with these columns and the number; the rest is looked up."""
    return replace(
        table,
        joined_by="number",
        columns=(*(column for column in table.columns if column.name in kept), number),
        staged=(*(column for column in table.columns if column.name not in kept), _DOCUMENT),
    )


LIVE_CONVERSATIONS: Final = _numbered(
    CONVERSATIONS, _NUMBER, {"conversation_id", "tenant_id", "identity_id", "started_at", "version"}
)
LIVE_EVENTS: Final = _numbered(
    CUSTOMER_EVENTS,
    _NUMBER,
    {
        "event_id",
        "event_type",
        "tenant_id",
        "customer_id",
        "identity_id",
        "occurred_at",
        "command_id",
        "detail",
    },
)
LIVE_MESSAGES: Final = _numbered(
    CUSTOMER_MESSAGES,
    _NUMBER_OF_MESSAGE,
    {
        "tenant_id",
        "channel_id",
        "channel_type",
        "message_id",
        "direction",
        "identity_id",
        "sent_at",
    },
)
LIVE_SUGGESTIONS: Final = replace(LINK_SUGGESTIONS, columns=(*LINK_SUGGESTIONS.columns, _DOCUMENT))
_LIVE: Final = {
    table.name: table
    for table in (
        LIVE_CUSTOMERS,
        LIVE_CONVERSATIONS,
        LIVE_EVENTS,
        LIVE_MESSAGES,
        LIVE_SUGGESTIONS,
    )
}
TABLES: Final = tuple(_LIVE.get(table.name, table) for table in ALL)


def live_tables_by_topic(prefix: str) -> dict[str, RawTable]:
    """Return the live view's tables by their topics' names on the broker."""
    return {full_name(table.topic, prefix): table for table in TABLES}
