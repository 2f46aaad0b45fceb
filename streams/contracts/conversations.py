"""The conversation record on `conversations` (compacted, keyed by conversation id)."""

from datetime import datetime

from streams.contracts.messages import Direction
from streams.contracts.wire import SCHEMA_VERSION, Wire


class Conversation(Wire, frozen=True, kw_only=True):
    """Messages of one channel identity that belong together.

    A platform's own conversation id wins; otherwise a silence longer than the gap starts a new
    one. A late message may join two: then one record carries `mergedInto`, the survivor's id.
    """

    id: str
    tenant_id: str
    customer_id: str
    identity_id: str
    channel_id: str
    channel_type: str
    external_id: str
    platform_conversation_id: str | None
    opened_by: Direction
    started_at: datetime
    last_message_at: datetime
    merged_into: str | None
    version: int
    schema_version: int = SCHEMA_VERSION
