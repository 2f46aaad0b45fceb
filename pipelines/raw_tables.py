"""Which topic fills which raw table, and how a JSON value becomes its columns.

Owns the shapes that DuckDB parses into; how rows replace each other is `statements`' business.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from streams import topics

Keeps = Literal["newest", "first"]

_TEXT: Final = "VARCHAR"
_TIME: Final = "TIMESTAMPTZ"


@dataclass(frozen=True, slots=True)
class Column:
    """A column, the JSON field it comes from, and its type there.

    `sql` is for values that need more than their field; {} stands for it. A record whose
    `required` column ends null is rejected.
    """

    name: str
    field: str
    type: Any = _TEXT
    required: bool = False
    sql: str = "{}"

    @property
    def expression(self) -> str:
        """Return its SQL over `r`, the parsed value."""
        value = ".".join(["r", *(f'"{part}"' for part in self.field.split("."))])
        if self.type == _TIME:
            value = _credible(value)
        return self.sql.format(value)


def _credible(value: str) -> str:
    """Return the time, or null: JSON may say infinity, or a year that no client can read."""
    return f"case when {value} between '0001-01-02' and '9999-12-30' then {value} end"


@dataclass(frozen=True, slots=True)
class RawTable:
    """A topic's table.

    `newest`: a row is replaced by greater versions, as the column `newest_by` has them, and removed
    by a record without a value.
    `first`: a row stays as it came, and records that repeat its key are dropped.
    `person` is the column with the id of the identity that a row is about, `happened_at` the one
    with its time: it goes when the identity of that time is erased, whoever owned it, and never
    comes back. A row without a person is about nobody, and stays.
    `joined_by` is a column with a number of the key, where there is one: to find a batch's rows
    among millions, numbers are read in a tenth of the time of texts. `compared` are the columns
    whose former values the sink's `derive` is to see, `staged` those that it alone reads: of the
    batch's parsed rows, not of the table.
    """

    topic: topics.TopicSpec
    name: str
    keeps: Keeps
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    person: str | None = None
    happened_at: str | None = None
    newest_by: str = "version"
    joined_by: str | None = None
    compared: tuple[str, ...] = ()
    staged: tuple[Column, ...] = ()
    notes: str | None = None  # the key of records that are no rows, but the worker's own notes

    @property
    def qualified(self) -> str:
        """Return the name with its schema."""
        return f"raw.{self.name}"

    def column(self, name: str) -> Column:
        """Return the column of this name. Raises LookupError."""
        found = {column.name: column for column in self.columns}
        return found[name]

    @property
    def parsed(self) -> tuple[Column, ...]:
        """Return the columns that a record is parsed into."""
        return (*self.columns, *self.staged)

    @property
    def joined(self) -> tuple[str, ...]:
        """Return the columns by which a batch's rows are found among the table's."""
        return self.key if self.joined_by is None else (self.joined_by,)

    @property
    def structure(self) -> str:
        """Return the shape of the JSON as DuckDB's `from_json` takes it."""
        shape: dict[str, Any] = {}
        for column in self.parsed:
            *parents, leaf = column.field.split(".")
            place = shape
            for parent in parents:
                place = place.setdefault(parent, {})
            place[leaf] = column.type
        return json.dumps(shape)


# The columns of an identity and of a link with the fields they come from, in the table's order.
_IDENTITY: Final = {
    "channel_id": ("channelId", _TEXT),
    "channel_type": ("channelType", _TEXT),
    "external_id": ("externalId", _TEXT),
    "identity_key": ("identityKey", _TEXT),
    "identity_id": ("identityId", _TEXT),
    "first_seen_at": ("firstSeenAt", _TIME),
    "last_seen_at": ("lastSeenAt", _TIME),
    "last_inbound_at": ("lastInboundAt", _TIME),
    "username": ("username", _TEXT),
}
_LINK: Final = {
    "identity_key": ("identityKey", _TEXT),
    "other_identity_key": ("otherIdentityKey", _TEXT),
    "rule": ("rule", _TEXT),
    "level": ("level", _TEXT),
    "said_at": ("saidAt", _TIME),
    "message_id": ("messageId", _TEXT),
    "channel_id": ("channelId", _TEXT),
    "said_by": ("saidBy", _TEXT),
}
# Whose records an erasure is about, and of what time.
_ERASED: Final = {
    "identity_id": ("identityId", _TEXT),
    "since": ("since", _TIME),
    "until": ("until", _TIME),
}


def _list_of(columns: Mapping[str, tuple[str, str]]) -> str:
    """Return the SQL that names the fields of each struct in a list as columns are named."""
    values = {
        name: _credible(f'i."{field}"') if kind == _TIME else f'i."{field}"'
        for name, (field, kind) in columns.items()
    }
    pack = ", ".join(f"{name} := {value}" for name, value in values.items())
    return f"[struct_pack({pack}) for i in {{}}]"


CUSTOMERS: Final = RawTable(
    topics.CUSTOMERS,
    "customers",
    "newest",
    key=("customer_id",),
    person="customer_id",
    columns=(
        Column("customer_id", "id", required=True),
        Column("tenant_id", "tenantId", required=True),
        Column("display_name", "displayName"),
        Column(
            "identities",
            "identities",
            [dict(_IDENTITY.values())],
            required=True,
            sql=_list_of(_IDENTITY),
        ),
        Column("source", "metadata.source"),
        Column("first_channel_id", "metadata.channel"),
        Column("first_contact_at", "metadata.firstContactAt", _TIME),
        Column("original_external_id", "metadata.originalExternalId"),
        Column("last_seen_at", "metadata.lastSeenAt", _TIME),
        Column("profile_picture_url", "metadata.profilePictureUrl"),
        Column("phones", "phones", [_TEXT], sql="coalesce({}, [])"),
        Column("emails", "emails", [_TEXT], sql="coalesce({}, [])"),
        Column("tags", "tags", [_TEXT], sql="coalesce({}, [])"),
        Column(
            "custom_attributes",
            "customAttributes",
            "MAP(VARCHAR, VARCHAR)",
            sql="coalesce({}, map()::map(varchar, varchar))",
        ),
        Column("status", "status", required=True),
        Column("merged_ids", "mergedIds", [_TEXT], sql="coalesce({}, [])"),
        Column("merged_into", "mergedInto"),
        Column("links", "links", [dict(_LINK.values())], sql=f"coalesce({_list_of(_LINK)}, [])"),
        Column("blocked", "blocked", "BOOLEAN", sql="coalesce({}, false)"),
        Column("possible_new_owner_since", "possibleNewOwnerSince", _TIME),
        Column("evidence", "evidence", "JSON", sql="{}::varchar"),
        Column("created_at", "createdAt", _TIME, required=True),
        Column("updated_at", "updatedAt", _TIME, required=True),
        Column("version", "version", "BIGINT", required=True),
    ),
)

CONVERSATIONS: Final = RawTable(
    topics.CONVERSATIONS,
    "conversations",
    "newest",
    key=("conversation_id",),
    person="identity_id",
    happened_at="started_at",
    columns=(
        Column("conversation_id", "id", required=True),
        Column("tenant_id", "tenantId", required=True),
        Column("customer_id", "customerId", required=True),
        Column("identity_id", "identityId", required=True),
        Column("channel_id", "channelId", required=True),
        Column("channel_type", "channelType", required=True),
        Column("external_id", "externalId", required=True),
        Column("platform_conversation_id", "platformConversationId"),
        Column("opened_by", "openedBy", required=True),
        Column("started_at", "startedAt", _TIME, required=True),
        Column("last_message_at", "lastMessageAt", _TIME, required=True),
        Column("merged_into", "mergedInto"),
        Column("version", "version", "BIGINT", required=True),
    ),
)

CUSTOMER_EVENTS: Final = RawTable(
    topics.CUSTOMER_EVENTS,
    "customer_events",
    "first",
    key=("event_id",),
    person="identity_id",
    happened_at="occurred_at",
    columns=(
        Column("event_id", "id", required=True),
        Column("event_type", "type", required=True),
        Column("tenant_id", "tenantId", required=True),
        Column("customer_id", "customerId"),
        # A refusal is about no identity, but may repeat what the command said of the customer.
        Column(
            "identity_id",
            "identityId",
            sql="coalesce({}, case when r.type = 'command.refused' then r.\"customerId\" end)",
        ),
        Column("occurred_at", "occurredAt", _TIME, required=True),
        Column("channel_id", "channelId"),
        Column("channel_type", "channelType"),
        Column("external_id", "externalId"),
        Column("merged_into", "mergedInto"),
        Column("split_from", "splitFrom"),
        Column("rule", "rule"),
        Column("command_id", "commandId"),
        Column("detail", "detail"),
        Column(
            "erased",
            "erased",
            [dict(_ERASED.values())],
            sql=f"coalesce({_list_of(_ERASED)}, [])",
        ),
    ),
)

CUSTOMER_MESSAGES: Final = RawTable(
    topics.CUSTOMER_MESSAGES,
    "customer_messages",
    "first",
    key=("tenant_id", "channel_id", "message_id"),
    person="identity_id",
    happened_at="sent_at",
    columns=(
        Column("tenant_id", "tenantId", required=True),
        Column("channel_id", "channelId", required=True),
        Column("channel_type", "channelType", required=True),
        Column("message_id", "messageId", required=True),
        Column("direction", "direction", required=True),
        Column("external_id", "externalId", required=True),
        Column("identity_key", "identityKey", required=True),
        Column("identity_id", "identityId", required=True),
        Column("customer_id", "customerId"),
        Column("conversation_id", "conversationId"),
        Column("sent_at", "sentAt", _TIME, required=True),
        Column("received_at", "receivedAt", _TIME, required=True),
        Column("content_type", "contentType", required=True),
        Column("text", "text"),
        Column("agent_id", "agentId"),
        Column("is_clock_wrong", "isClockWrong", "BOOLEAN", sql="coalesce({}, false)"),
    ),
)

# A suggestion goes with its own record without a value: who is erased is named by either end.
LINK_SUGGESTIONS: Final = RawTable(
    topics.LINK_SUGGESTIONS,
    "link_suggestions",
    "newest",
    key=("suggestion_id",),
    columns=(
        Column("suggestion_id", "id", required=True),
        Column("tenant_id", "tenantId", required=True),
        Column("status", "status", required=True),
        Column("reason", "reason", required=True),
        Column("rule", "rule", required=True),
        Column("level", "level", required=True),
        Column("customer_id", "customerId", required=True),
        Column("identity_key", "identityKey", required=True),
        Column("other_customer_id", "otherCustomerId"),
        Column("other_identity_key", "otherIdentityKey", required=True),
        Column("message_id", "messageId", required=True),
        Column("said_at", "saidAt", _TIME, required=True),
        Column("version", "version", "BIGINT", required=True),
    ),
)

# A policy has no version: the last one in the log is in force, as the worker has it.
POLICIES: Final = RawTable(
    topics.POLICIES,
    "policies",
    "newest",
    key=("tenant_id",),
    newest_by='"offset"',
    notes="_salt",
    columns=(
        Column("tenant_id", "tenantId", required=True),
        Column("policy", "policy", "JSON", required=True, sql="{}::varchar"),
        Column("set_at", "setAt", _TIME, required=True),
        Column("set_by", "setBy", required=True),
        Column("command_id", "commandId", required=True),
    ),
)

# A letter that was put back comes again, marked: the last one in the log is how it stands.
DEAD_LETTERS: Final = RawTable(
    topics.DEAD_LETTERS,
    "dead_letters",
    "newest",
    key=("dead_letter_id",),
    newest_by='"offset"',
    columns=(
        Column("dead_letter_id", "id", required=True),
        Column("source_topic", "topic", required=True),
        Column("source_partition", "partition", "INTEGER", required=True),
        Column("source_offset", "offset", "BIGINT", required=True),
        Column("reason", "reason", required=True),
        Column("detail", "detail"),
        Column("received_at", "receivedAt", _TIME, required=True),
        Column("key", "key", sql="try(from_base64({}))"),
        Column("raw", "raw", sql="try(from_base64({}))"),
        Column("tenant_id", "tenantId"),
        Column("platform", "platform"),
        Column(
            "headers",
            "headers",
            "MAP(VARCHAR, VARCHAR)",
            sql="coalesce({}, map()::map(varchar, varchar))",
        ),
        Column("is_cut", "isCut", "BOOLEAN", sql="coalesce({}, false)"),
        Column("replay_of", "replayOf"),
        Column("replayed_at", "replayedAt", _TIME),
    ),
)

ALL: Final = (
    CUSTOMERS,
    CONVERSATIONS,
    CUSTOMER_EVENTS,
    CUSTOMER_MESSAGES,
    LINK_SUGGESTIONS,
    POLICIES,
    DEAD_LETTERS,
)


def tables_by_topic(prefix: str) -> dict[str, RawTable]:
    """Return the raw tables by their topics' names on the broker."""
    return {topics.full_name(table.topic, prefix): table for table in ALL}
