"""The customer record on `customers` (compacted, keyed by customer id), and the events that led
to it on `customer-events`.
"""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from streams.contracts.wire import SCHEMA_VERSION, Wire

Status = Literal["active", "contacted", "merged"]
Level = Literal["attested", "claimed"]


class CustomerIdentity(Wire, frozen=True, kw_only=True):
    """One way in which the customer reached us, or we reached them."""

    channel_id: str
    channel_type: str
    external_id: str  # as received: what one sends to
    identity_key: str  # what it was normalised to, e.g. phone:+5511999998888
    identity_id: str  # of the identity key, whoever owns it
    first_seen_at: datetime
    last_seen_at: datetime
    last_inbound_at: datetime | None = None
    username: str | None = None


class CustomerLink(Wire, frozen=True, kw_only=True):
    """Why two identity keys are one customer: the rule, and the first evidence for it.

    `messageId` and `channelId` name the message that said so, or `messageId` the command, and
    `saidBy` who issued it.
    """

    identity_key: str
    other_identity_key: str
    rule: str
    level: Level
    said_at: datetime
    message_id: str
    channel_id: str | None = None
    said_by: str | None = None


class UnlinkedEvidence(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """Evidence that does not make the customer one with whom it names: the policy does not let it,
    a guard or a decision is against it, or the other end is nobody's.

    `saidOf` is the key of whoever it was said of. `isCapped`: the cap on identities forbade it.
    """

    identity_key: str
    other_identity_key: str
    rule: str
    said_at: datetime
    message_id: str
    said_of: str | None = None
    is_capped: bool = False


class CustomerDecision(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody decided: that the two sides are different people. After a split (`isSplit`)
    each side stays together.
    """

    command_id: str
    decided_at: datetime
    identity_keys: tuple[str, ...]
    other_identity_keys: tuple[str, ...]
    is_split: bool = False


class LaterOwner(Wire, frozen=True, kw_only=True):
    """A number that was somebody else's before: as a key of its own, which says since when."""

    identity_id: str
    identity_key: str


class CustomerEvidence(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """What else is known about who this customer is: with the records of all customers, enough to
    weigh all evidence anew.

    A number that changed hands is here a key of each owner, such as
    `phone:+5511999998888~1767225600000` of the one since then; `changedHands` says when it did.
    `rankedAt` is how old identities count as, by their id, where that is not since they were first
    seen: of customers who become one the oldest one's id stays.
    """

    links: tuple[UnlinkedEvidence, ...] = ()
    decisions: tuple[CustomerDecision, ...] = ()
    later_owners: tuple[LaterOwner, ...] = ()
    changed_hands: dict[str, tuple[datetime, ...]] = msgspec.field(default_factory=dict)
    ranked_at: dict[str, datetime] = msgspec.field(default_factory=dict)


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
    `mergedInto` holds the customer that lives on. `possibleNewOwnerSince`: after a long silence
    somebody of another name writes from the same number. `evidence` is left out where there is
    none.
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
    links: tuple[CustomerLink, ...] = ()
    blocked: bool = False
    possible_new_owner_since: datetime | None = None
    evidence: CustomerEvidence | UnsetType = UNSET
    schema_version: int = SCHEMA_VERSION


CustomerEventType = Literal[
    "customer.created",  # a person was seen, or written to, for the first time
    "customer.activated",  # a contacted person wrote for the first time
    "customer.identity_added",  # a further channel identity of a known customer
    "customer.linked",  # evidence ties two identity keys of this customer together
    "customer.merged",  # this customer went into another one
    "customer.split",  # this customer was taken out of another one
    "customer.erased",  # this customer was forgotten
    "guard.tripped",  # evidence that does not link, because a guard of the policy forbids it
    "command.applied",  # the command was carried out
    "command.refused",  # the command was not carried out; `detail` says why
    "policy.changed",  # the tenant's policy was set
]


class ErasedIdentity(Wire, frozen=True, kw_only=True):
    """Whose records an erasure is about: those that name the identity and happened within the
    time, `until` excluded; without bounds, all.

    A number that changed hands has them: what its later owner wrote before anybody knew of them
    names the earlier one's identity.
    """

    identity_id: str
    since: datetime | None = None
    until: datetime | None = None


class CustomerEvent(Wire, frozen=True, kw_only=True):
    """Something that happened to a customer. `id` is derived from what happened, so a replay
    repeats the event under the same id.

    `identityId` names the identity that it is about, `erased` those that `customer.erased` is
    about. `detail` is a sentence for people.
    """

    id: str
    type: CustomerEventType
    tenant_id: str
    occurred_at: datetime
    customer_id: str | None = None
    identity_id: str | None = None
    channel_id: str | None = None
    channel_type: str | None = None
    external_id: str | None = None
    merged_into: str | None = None
    split_from: str | None = None
    rule: str | None = None
    command_id: str | None = None
    detail: str | None = None
    erased: tuple[ErasedIdentity, ...] = ()
    schema_version: int = SCHEMA_VERSION
