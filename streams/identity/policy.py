"""What a tenant decides about identities; the core takes it as a value.

Defaults are sound for everybody: what platforms and businesses attest links, what people type
about themselves is only suggested.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from streams.contracts.policies import PolicyDocument, Rule, Verdict
from streams.identity.keys import email_key, phone_key
from streams.identity.state import Gaps

HOUR_MS: Final = 60 * 60 * 1000
DAY_MS: Final = 24 * HOUR_MS
CONVERSATION_GAP_MS: Final = DAY_MS

DEFAULT_RULES: Final[Mapping[str, Verdict]] = {
    "same_account": "link",
    "account_moved": "link",
    "contact_shared": "link",
    "vouched_value": "link",
    "signed_reference": "link",
    "agent_value": "link",
    "self_declared": "suggest",
    "phone_variant": "suggest",
}


_SHARED_AFTER: Final = 3
_SHARED_AFTER_DEVICES: Final = 20
_Weighing = tuple[dict[str, Verdict], int, int]
_DEFAULT_WEIGHING: Final = (DEFAULT_RULES, _SHARED_AFTER, _SHARED_AFTER_DEVICES)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force in one tenant.

    Without `auto_creation` nobody becomes a customer by writing; known customers are kept up.
    Silence longer than `conversation_gap_ms` starts a new conversation. A value that more than
    `shared_after` accounts of one kind claim is shared and links nobody (of web chat visitors,
    `shared_after_devices`). Evidence gathers at most `identity_cap` identity keys. After
    `new_owner_silence_ms` another name from the same number may be another person (numbers are
    given out again after 45 days in the US). `nobody` holds external ids and identity keys of the
    business itself and of those it does not want.
    """

    auto_creation: bool = True
    conversation_gap_ms: int = CONVERSATION_GAP_MS
    rules: Mapping[str, Verdict] = field(default_factory=lambda: DEFAULT_RULES)
    shared_after: int = _SHARED_AFTER
    shared_after_devices: int = _SHARED_AFTER_DEVICES
    identity_cap: int = 100
    new_owner_silence_ms: int = 45 * DAY_MS
    region: str | None = None
    nobody: frozenset[str] = frozenset()
    # How evidence is weighed, as a root notes it: empty where by the defaults.
    weighing: str = field(init=False, default="")
    # The silences that part what joins.
    gaps: Gaps = field(init=False, default=Gaps(0, 0))

    def __post_init__(self) -> None:
        weighing = (self.rules, self.shared_after, self.shared_after_devices)
        if weighing != _DEFAULT_WEIGHING:
            written = msgspec.json.encode(weighing, order="deterministic").decode()
            object.__setattr__(self, "weighing", written)
        gaps = Gaps(self.conversation_gap_ms, self.new_owner_silence_ms)
        object.__setattr__(self, "gaps", gaps)

    def weighed_as(self, weighing: str) -> "Policy":
        """Return the policy with evidence weighed as it was under another, by its `weighing`."""
        rules, shared_after, shared_after_devices = (
            msgspec.json.decode(weighing, type=_Weighing) if weighing else _DEFAULT_WEIGHING
        )
        return replace(
            self,
            rules=rules,
            shared_after=shared_after,
            shared_after_devices=shared_after_devices,
        )

    def verdict(self, rule: Rule | str) -> Verdict:
        """Return what evidence of this rule does; what agents decided always links."""
        return self.rules.get(rule, "link")


def with_document(policy: Policy, document: PolicyDocument) -> Policy:
    """Return the policy with what the document says in place of it."""
    given: dict[str, Any] = {
        "auto_creation": document.auto_creation,
        "conversation_gap_ms": _scaled(document.conversation_gap_hours, HOUR_MS),
        "shared_after": document.shared_after,
        "shared_after_devices": document.shared_after_devices,
        "identity_cap": document.identity_cap,
        "new_owner_silence_ms": _scaled(document.new_owner_silence_days, DAY_MS),
        "region": document.region,
    }
    nobody = {
        name
        for value in (*document.own_identities, *document.blocked_identities)
        for name in (value.strip(), phone_key(value), email_key(value))
        if name
    }
    return replace(
        policy,
        rules={**policy.rules, **{str(rule): v for rule, v in document.rules.items()}},
        nobody=policy.nobody | nobody,
        **{name: value for name, value in given.items() if value is not None},
    )


def _scaled(value: float | None, unit_ms: int) -> int | None:
    return None if value is None else int(value * unit_ms)
