"""Records that must end among the dead letters: what real producers get wrong. Pure."""

from random import Random
from typing import Final, Literal

import msgspec

from streams.contracts.messages import Message
from streams.traffic.businesses import Inbox

BrokenKind = Literal[
    "not_json",
    "missing_field",
    "unknown_direction",
    "empty_sender",
    "blocked_sender",
    "service_sender",
]

# Where both stand the dead letter's reason is not for a producer to foresee: a shape can be
# refused by the decoder or by a later check.
REASONS: Final[dict[BrokenKind, frozenset[str]]] = {
    "not_json": frozenset({"unreadable"}),
    "missing_field": frozenset({"unreadable"}),
    "unknown_direction": frozenset({"unreadable"}),
    "empty_sender": frozenset({"invalid", "not_a_person"}),
    "blocked_sender": frozenset({"not_a_person"}),
    "service_sender": frozenset({"not_a_person"}),
}

_BLOCKED = ("anonymous", "null", "[object Object]")
_SERVICES = ("AMAZON", "MYBANK", "Lieferando")


def broken_kind(inbox: Inbox, rng: Random) -> BrokenKind:
    """Return a kind that can happen there: only text messages have senders with letters."""
    kinds = list(REASONS)
    if inbox.channel.type != "sms":
        kinds.remove("service_sender")
    return rng.choice(kinds)


def broken_value(kind: BrokenKind, message: Message, rng: Random) -> bytes:
    """Return the good inbound message as a producer with that fault would have sent it."""
    shape = msgspec.to_builtins(message)
    match kind:
        case "not_json":
            return msgspec.json.encode(shape)[: -rng.randint(2, 40)]
        case "missing_field":
            del shape[rng.choice(("tenantId", "channel", "messageId", "direction", "timestamp"))]
        case "unknown_direction":
            shape["direction"] = "sideways"
        case "empty_sender":
            shape["from"] = ""
        case "blocked_sender":
            shape["from"] = rng.choice(_BLOCKED)
        case "service_sender":
            shape["from"] = rng.choice(_SERVICES)
    return msgspec.json.encode(shape)
