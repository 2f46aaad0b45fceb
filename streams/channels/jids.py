"""WhatsApp's own addresses as gateways show them: numbers, hidden ids (LIDs), and crowds.

A LID's digits are no phone number; the number stands beside it, where the gateway knows it.
"""

from typing import Final

from streams.channels.delivery import Delivery
from streams.contracts.messages import Identifier

_CROWDS: Final = ("@g.us", "@broadcast", "@newsletter", "-group", "@temp", "@call")
_HIDDEN: Final = ("@lid", "@hosted.lid")


def is_crowd(address: str) -> bool:
    """Say whether it is a group, a channel, a broadcast list or everybody's stories."""
    return address.strip().lower().endswith(_CROWDS)


def same_account(person: str, *others: str | None) -> tuple[Identifier, ...]:
    """Return the account's further addresses, each by what it is."""
    found: dict[str, Identifier] = {}
    for other in others:
        if other and other != person and not is_crowd(other):
            is_hidden = other.lower().endswith(_HIDDEN)
            found[other] = Identifier(kind="lid" if is_hidden else "phone", value=other)
    return tuple(found.values())


def is_own(address: str, own: str | None, delivery: Delivery) -> bool:
    """Say whether the address is the business's: as the gateway says, or as it was configured."""
    digits = bare(address)
    return (own is not None and digits == bare(own)) or delivery.is_own(digits)


def bare(address: str) -> str:
    """Return the address without server and device: `4477…:12@s.whatsapp.net` is `4477…`."""
    return address.partition("@")[0].partition(":")[0].lstrip("+")
