"""The customer record on `customers` (compacted, keyed by customer id), and the events that led
to it on `customer-events`.
"""

from datetime import datetime
from typing import Literal

from streams.contracts.wire import SCHEMA_VERSION, Wire

Status = Literal["active", "contacted", "merged"]


class CustomerIdentity(Wire, frozen=True, kw_only=True):
    """One way in which the customer reached us, or we reached them."""

    channel_id: str
    channel_type: str
    external_id: str  # as received: what one sends to
    identity_key: str  # what it was normalised to, e.g. phone:+5511999998888
    first_seen_at: datetime
    last_seen_at: datetime
    last_inbound_at: datetime | None = None
    username: str | None = None


class CustomerMetadata(Wire, frozen=True, kw_only=True):
    """Where the customer came from and when they were last seen, in the reference's words."""

    source: str
    channel: str
    first_contact_at: datetime
    original_external_id: str
    last_seen_at: datetime
    profile_picture_url: str | None = None


class Customer(Wire, frozen=True, kw_only=True):
    """One person in one tenant, as known now.

    `version` only ever grows for an id; of two records the greater version is the newer one.
    `status` is `contacted` until the person has written, then `active`; `merged` means that
    `mergedInto` holds the customer that lives on.
    """

    id: str
    tenant_id: str
    display_name: str
    identities: tuple[CustomerIdentity, ...]
    metadata: CustomerMetadata
    phones: tuple[str, ...]
    emails: tuple[str, ...]
    tags: tuple[str, ...]
    custom_attributes: dict[str, str]
    status: Status
    merged_ids: tuple[str, ...]
    merged_into: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    schema_version: int = SCHEMA_VERSION


CustomerEventType = Literal[
    "customer.created",  # a person was seen, or written to, for the first time
    "customer.activated",  # a contacted person wrote for the first time
    "customer.identity_added",  # a further channel identity of a known customer
    "customer.merged",  # this customer went into another one
]


class CustomerEvent(Wire, frozen=True, kw_only=True):
    """Something that happened to a customer. `id` is derived from what happened, so a replay
    repeats the event under the same id.
    """

    id: str
    type: CustomerEventType
    tenant_id: str
    customer_id: str
    occurred_at: datetime
    channel_id: str | None = None
    channel_type: str | None = None
    external_id: str | None = None
    merged_into: str | None = None
    schema_version: int = SCHEMA_VERSION
