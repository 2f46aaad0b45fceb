"""The suggestion record on `link-suggestions` (compacted, keyed by suggestion id)."""

from datetime import datetime
from typing import Literal

from streams.contracts.customers import Level
from streams.contracts.wire import SCHEMA_VERSION, Wire

SuggestionStatus = Literal["open", "confirmed", "refused", "settled", "withdrawn"]
Reason = Literal["claimed", "different_references", "different_accounts", "identity_cap"]


class LinkSuggestion(Wire, frozen=True, kw_only=True):
    """Two customers who may be one person: for somebody to confirm or to refuse.

    `settled`: other evidence made them one. `withdrawn`: nothing speaks for it any more, or the
    value turned out to be shared by many. `customerId` is the one to address a command to.
    """

    id: str
    tenant_id: str
    status: SuggestionStatus
    reason: Reason
    rule: str
    level: Level
    customer_id: str
    identity_key: str
    other_customer_id: str | None
    other_identity_key: str
    message_id: str
    said_at: datetime
    version: int
    schema_version: int = SCHEMA_VERSION
