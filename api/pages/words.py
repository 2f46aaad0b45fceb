"""What the records' values are called, in English: the catalogs have the other languages.

Owns names and sentences for values; templates pass them through gettext.
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from streams.contracts.customers import Customer


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for: to be translated where it is shown
    """Return the text; marks it for the catalogs."""
    return text


CHANNELS: Final[Mapping[str, str]] = {
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
    "sms": "SMS",
    "webchat": N_("Web chat"),
    "email": N_("E-mail"),
    "instagram": "Instagram",
    "messenger": "Messenger",
    "voice": N_("Phone call"),
    "import": N_("Import"),  # an import's own: nobody writes there
}
ROLES: Final[Mapping[str, str]] = {
    "viewer": N_("may look"),
    "agent": N_("may change customers"),
    "admin": N_("may change and erase customers"),
}
STATUSES: Final[Mapping[str, str]] = {
    "active": N_("Active"),
    "contacted": N_("Contacted by us"),
    "merged": N_("Merged"),
}
SOURCES: Final[Mapping[str, str]] = {
    "auto_created": N_("Wrote to us"),
    "import": N_("Imported"),
}
RULES: Final[Mapping[str, str]] = {
    "same_account": N_("The platform shows both as ids of one account"),
    "account_moved": N_("The platform says that the account moved from one to the other"),
    "contact_shared": N_("The person shared their own contact, and the platform says it is theirs"),
    "vouched_value": N_("The platform vouches for the address"),
    "signed_reference": N_("The business signed its own reference"),
    "agent_value": N_("Somebody of the team added the address"),
    "self_declared": N_("The person typed it themselves"),
    "phone_variant": N_("Two numbers that may be two ways to write one"),
    "agent_merge": N_("Somebody of the team merged the two"),
    "suggestion_confirmed": N_("Somebody of the team confirmed that they are one person"),
}
LEVELS: Final[Mapping[str, str]] = {"attested": N_("attested"), "claimed": N_("claimed")}
REASONS: Final[Mapping[str, str]] = {
    "claimed": N_("Nobody vouches for it: the person says so themselves"),
    "different_references": N_("The business has two different references for them"),
    "different_accounts": N_("The number was seen with two accounts: somebody new may have it"),
    "identity_cap": N_("The customer has more identities than evidence may gather"),
}
EVENTS: Final[Mapping[str, str]] = {
    "customer.created": N_("Became a customer"),
    "customer.activated": N_("Wrote for the first time"),
    "customer.identity_added": N_("Came on a further channel"),
    "customer.linked": N_("Two identities were linked"),
    "customer.merged": N_("Another customer was merged into this one"),
    "customer.split": N_("Was taken out of another customer"),
    "customer.erased": N_("Was erased"),
    "guard.tripped": N_("Evidence was held back by a guard"),
    "command.applied": N_("A change was made"),
    "command.refused": N_("A change was refused"),
    "policy.changed": N_("The policy was changed"),
}
# Of these the name and the rule say all that `detail` says.
SAID_WHOLE: Final = frozenset({"customer.linked", "customer.merged", "customer.created"})
ACTIVITIES: Final[Mapping[str, str]] = {
    "active": N_("Wrote in 30 days"),
    "inactive": N_("Silent for 30 days"),
}
ANSWERS: Final[Mapping[str, str]] = {"true": N_("Yes"), "false": N_("No")}
# What the values of a filter in the address are called.
FILTER_VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "status": STATUSES,
    "channelType": CHANNELS,
    "activity": ACTIVITIES,
    "blocked": ANSWERS,
    "source": SOURCES,
}
_HUES: Final = 12
_PICTURES: Final = "/pictures/"


def key_value(identity_key: str) -> str:
    """Return the key without its kind."""
    return identity_key.partition(":")[2] or identity_key


def initials(name: str) -> str:
    """Return up to two letters that stand for a name; nothing for a number or an address."""
    if "@" in name:
        return name[:1].upper()
    parts = [part for part in name.split() if part[:1].isalpha()]
    letters = [part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)]
    return "".join(letters).upper()


def hue(of: str) -> int:
    """Return which of the colours stands for somebody; the same at every time."""
    return hashlib.blake2b(of.encode(), digest_size=2).digest()[0] % _HUES


def picture(customer: Customer) -> str | None:
    """Return where the customer's picture is on this host; other hosts' are not shown: they would
    learn who looks at whom.
    """
    _, marker, name = (customer.metadata.profile_picture_url or "").rpartition(_PICTURES)
    return f"{_PICTURES}{name}" if marker and "/" not in name else None


def contact(customer: Customer) -> str:
    """Return what one reaches the customer by, that is not the name already."""
    usernames = [identity.username for identity in customer.identities if identity.username]
    ids = [identity.external_id for identity in customer.identities]
    for value in (*customer.phones, *customer.emails, *usernames, *ids):
        if value != customer.display_name:
            return value
    return ""


def channel_types(customer: Customer) -> list[str]:
    """Return the types of the customer's channels, the first one first."""
    return list(dict.fromkeys(identity.channel_type for identity in customer.identities))


def content(kind: str) -> str:
    """Return the platform's word for what was sent, where it was no text."""
    return f"[{kind}]"
