"""A tenant's policy on identities, on `policies` (compacted, keyed by tenant) and in files."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from streams.contracts.wire import SCHEMA_VERSION, Wire

Verdict = Literal["link", "suggest", "ignore"]
Rule = Literal[
    "same_account",
    "account_moved",
    "contact_shared",
    "vouched_value",
    "signed_reference",
    "agent_value",
    "self_declared",
    "phone_variant",
]


class PolicyDocument(
    Wire, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What a tenant decides about identities; every field may be absent and has its default.

    `rules`: what each kind of evidence does. `sharedAfter`: a value that more distinct accounts of
    one kind claim is nobody's; `sharedAfterDevices` the same for web chat visitors, of which one
    person has many. `identityCap`: identity keys that evidence may gather under one customer.
    `ownIdentities` and `blockedIdentities`: external ids, numbers or addresses that are the
    business itself, or nobody. `region`: of numbers that people type without a country code.
    """

    auto_creation: bool | None = None
    conversation_gap_hours: Annotated[float, msgspec.Meta(gt=0, le=24 * 366)] | None = None
    rules: dict[Rule, Verdict] = msgspec.field(default_factory=dict)
    shared_after: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    shared_after_devices: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    identity_cap: Annotated[int, msgspec.Meta(ge=2, le=200)] | None = None
    own_identities: tuple[str, ...] = ()
    blocked_identities: tuple[str, ...] = ()
    region: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] | None = None
    new_owner_silence_days: Annotated[float, msgspec.Meta(gt=0, le=3660)] | None = None


class TenantPolicy(Wire, frozen=True, kw_only=True):
    """The policy in force in one tenant, and who set it."""

    tenant_id: str
    policy: PolicyDocument
    set_at: datetime
    set_by: str
    command_id: str
    schema_version: int = SCHEMA_VERSION
