"""From a channel identity to its identity key: the one name under which a person is stored.

Pure rules, one a kind of channel. The same phone on WhatsApp and SMS gets the same key, and so
the same partition, with no coordination. What is no person gets a reason instead of a key.
A key never holds a control, invisible or broken character, and two ids never share one by
accident: what a key cannot hold is escaped, not dropped. Phone numbers are read in `phones`.
Sources of the blocked values: PostHog's illegal distinct ids, Segment's blocked identifiers.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

from streams.identity import phones


@dataclass(frozen=True, slots=True)
class NotAPerson:
    """Why no customer may come of this identity."""

    detail: str


_BLOCKED_ANY_CASE: Final = frozenset(
    {
        *("anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email"),
        *("undefined", "true", "false"),
        *("unknown", "unavailable", "restricted", "private", "system"),  # callers that hide
    }
)
_BLOCKED_EXACT: Final = frozenset(
    {
        *("[object Object]", "NaN", "None", "none", "null", "0", "-1"),
        *("NULL", "(null)", "<null>", "<nil>", "{}", "[]"),  # SQL, Objective-C, Go, empty JSON
    }
)
_ZEROS_AND_DASHES: Final = re.compile(r"[0-]*")
_QUOTES: Final = " \"'`\\\u2018\u2019\u201c\u201d\u00ab\u00bb"

_PHONE_CHANNELS: Final = frozenset({"whatsapp", "sms", "mms", "rcs", "voice", "phone"})
_DIGITS_ONLY_CHANNELS: Final = frozenset({"messenger", "instagram"})
# Kinds of key that a channel of an unforeseen type could otherwise imitate.
_OWN_KINDS: Final = frozenset({"bsuid", "lid", "reference"})
# Unicode's categories of controls, invisible formats, lone surrogates and white space.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
_KEPT: Final = 512  # external ids come no longer; only escaping makes them so

# The common case, through one pattern: a number as platforms and gateways write it.
_PLAIN_SENDER: Final = re.compile(
    r"(?:whatsapp:)?(?:\+|00)?([1-9][0-9]{6,14})(?::[0-9]+)?(?:@s\.whatsapp\.net|@c\.us)?"
)
_JID: Final = re.compile(r"([^@:]*?)(?:[._][0-9]+)?(?::[0-9]+)?@([a-z][a-z.]*)", re.IGNORECASE)
_NUMBER_SERVERS: Final = frozenset({"s.whatsapp.net", "c.us", "hosted"})
_LID_SERVERS: Final = frozenset({"lid", "hosted.lid"})
_CROWD_SERVERS: Final = {
    "g.us": "a group",
    "broadcast": "a broadcast list or a status story",
    "newsletter": "a channel",
    "bot": "a bot of Meta",
}
_LID: Final = re.compile(
    r"0*([1-9][0-9]{0,31})(?:[._:][0-9]+)*(?:@(?:hosted\.)?lid)?", re.IGNORECASE
)
_BSUID: Final = re.compile(r"([A-Za-z]{2})\.(?:(ENT)\.)?([A-Za-z0-9]{1,128})", re.IGNORECASE)

# Telegram's own senders: service notices, anonymous group admin, channel bot, replies.
# Source: gotd/td constant/ids.go.
_TELEGRAM_SERVICE_IDS: Final = frozenset({777000, 1087968824, 136817688, 1271266957})
_TELEGRAM_ID: Final = re.compile(r"[+-]?[0-9]{1,32}")
_TELEGRAM_LAST: Final = 2**52 - 1  # "at most 52 significant bits", Bot API, User.id

_MAILBOX: Final = re.compile(r"(.*)<([^<>\s]+)>", re.DOTALL)
_COMMENTED: Final = re.compile(r"([^\s()]+)\s*\([^()]*\)")
_QUOTED_NAME: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"")
_LOCAL_PART: Final = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}")
_DOMAIN: Final = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+"
    r"(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})"
)
_NO_REPLY: Final = re.compile(
    r"(?:.*[-_.])?(?:no|do[-_.]?not|dont|never|cannot)[-_.]?reply(?:[-_.=0-9].*)?"
)
_BOUNCE: Final = re.compile(r"bounces?(?:[0-9]*|[-_.=][^+]*[0-9=].*)")
_MACHINES: Final = frozenset(
    {
        *("mailer-daemon", "mailerdaemon", "mail-daemon", "mail.daemon", "mail_daemon"),
        *("postmaster", "nobody", "devnull", "dev-null", "autoreply", "auto-reply"),
        # Exchange writes its non-delivery reports as this.
        "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e",
    }
)
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: "."}


@lru_cache(maxsize=200_000)
def identity_key(  # noqa: PLR0911 - one return a kind of channel
    channel_type: str, channel_id: str, external_id: str, account: str = ""
) -> str | NotAPerson:
    """Return the identity key within the tenant, or why this is not a person.

    `account` is the platform's scope of its user ids, where it has one: channels of one account
    share their users. Without it ids are scoped by the channel.
    """
    kind = channel_type.strip().lower()
    if (
        kind in _PHONE_CHANNELS
        and (match := _PLAIN_SENDER.fullmatch(external_id)) is not None
        and (number := phones.international(match[1])) is not None
    ):
        return f"phone:{number}"
    text = _trimmed(external_id)
    shown = repr(external_id[:80])
    if is_blocked(text):
        return NotAPerson(f"the sender {shown} is a placeholder, not a person")
    scope = account or channel_id
    if kind in _PHONE_CHANNELS:
        return _number_key(kind, scope, text, shown)
    if kind == "telegram":
        return _telegram(channel_id, text, shown)
    if kind in ("email", "webchat"):
        return _address_key(kind, channel_id, text, shown)
    if kind in _DIGITS_ONLY_CHANNELS:
        # Twilio writes messenger:<PSID>, as it writes whatsapp:<number>.
        return _scoped(kind, scope, text.removeprefix(f"{kind}:")).replace(" ", "%20;")
    return _scoped(kind, scope, text)


def is_blocked(text: str) -> bool:
    """Say whether a value stands for nobody, in any of the forms broken integrations send."""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(c) in _UNSAFE else c for c in text)
    # Quotes nest where JSON was encoded twice.
    bare = unicodedata.normalize("NFKC", text).strip(_QUOTES)
    return (
        bare.lower() in _BLOCKED_ANY_CASE
        or bare in _BLOCKED_EXACT
        or _ZEROS_AND_DASHES.fullmatch(bare) is not None
    )


def email_key(text: str) -> str | None:
    """Return the key of a person's address; None for no address and for mail systems."""
    address = email_address(text)
    return None if address is None or _is_machine(address) else f"email:{address}"


@lru_cache(maxsize=50_000)
def phone_key(text: str) -> str | None:
    """Return the key of a number that a platform gave, which is international always."""
    text = _trimmed(text)
    if (match := _JID.fullmatch(text)) is not None and not text.lower().startswith("sip"):
        if match[2].lower() not in _NUMBER_SERVERS:
            return None
        text = match[1]
    number = phones.international(text)
    return None if number is None else f"phone:{number}"


def reference_key(value: str) -> str | None:
    """Return the key of the business's own, signed, customer reference."""
    text = _trimmed(value)
    return None if is_blocked(text) else f"reference:{_safe(text)}"


def bsuid_key(account: str, value: str) -> str | None:
    """Return the key of WhatsApp's business-scoped user id, within its business portfolio."""
    text = _trimmed(value)
    text = text[len("whatsapp:") :] if text.lower().startswith("whatsapp:") else text
    match = _BSUID.fullmatch(text)
    if match is None or not account.strip():
        return None
    parts = (match[1].upper(), *(("ENT",) if match[2] else ()), match[3])
    return f"bsuid:{_scope(account)}:{'.'.join(parts)}"


def lid_key(value: str) -> str | None:
    """Return the key of WhatsApp's hidden id of an account, which is never a phone number."""
    match = _LID.fullmatch(_trimmed(value))
    return None if match is None else f"lid:{match[1]}"


def telegram_key(value: str) -> str | None:
    """Return the key of a Telegram user; None for chats, service accounts and what is no id."""
    text = _trimmed(value)
    if _TELEGRAM_ID.fullmatch(text) is None:
        return None
    number = int(text)
    if not 0 < number <= _TELEGRAM_LAST or number in _TELEGRAM_SERVICE_IDS:
        return None
    return f"telegram:{number}"


@lru_cache(maxsize=50_000)
def possible_variants(identity_key: str, channel_type: str) -> tuple[str, ...]:
    """Return the other keys that may be the same person's: only ever a suggestion."""
    kind, _, value = identity_key.partition(":")
    if kind != "phone":
        return ()
    return tuple(f"phone:{number}" for number in phones.variants(value, channel_type))


def email_address(text: str) -> str | None:
    """Return the address in comparable form, or None where the text is none.

    Letter case goes, the domain becomes ASCII as the DNS has it; plus-addresses stay, they may
    be other people's. Takes `mailto:` and `Name <address>`; a list of addresses is none.
    """
    found = _mailbox(_trimmed(text))
    local, at, domain = found.translate(_FULL_WIDTH).rpartition("@")
    local = unicodedata.normalize("NFC", local).lower()
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = local[1:-1]
    ascii_domain = _ascii_domain(domain)
    if not at or not _LOCAL_PART.fullmatch(local) or ascii_domain is None:
        return None
    if any(unicodedata.category(c) in _UNSAFE for c in local):
        return None
    return f"{local}@{ascii_domain}"


# ------------------------------------------------------------------ one kind each


def _number_key(  # noqa: PLR0911 - one return a kind of sender
    kind: str, scope: str, text: str, shown: str
) -> str | NotAPerson:
    over_whatsapp = kind == "whatsapp" or text.lower().startswith("whatsapp:")
    if text.lower().startswith("whatsapp:"):
        text = text[len("whatsapp:") :].strip()
    if text.lower().endswith("-group"):
        return NotAPerson(f"{shown} is a group, not a person")
    if (match := _JID.fullmatch(text)) is not None and not text.lower().startswith("sip"):
        server = match[2].lower()
        if server in _CROWD_SERVERS:
            return NotAPerson(f"{shown} is {_CROWD_SERVERS[server]}, not a person")
        if server in _LID_SERVERS:
            return lid_key(text) or NotAPerson(f"{shown} is no WhatsApp account")
        if server not in _NUMBER_SERVERS:
            return NotAPerson(f"{shown} is no phone number and no WhatsApp account")
        text = match[1]
    elif over_whatsapp and (key := bsuid_key(scope, text)) is not None:
        return key
    if (word := phones.placeholder(text)) is not None:
        return NotAPerson(f"{shown} spells {word} on a keypad: the caller hides their number")
    if (number := phones.international(text)) is not None:
        return f"phone:{number}"
    return NotAPerson(f"{shown} is a short code or a service sender, not a person's number")


def _telegram(channel_id: str, text: str, shown: str) -> str | NotAPerson:
    text = text.removeprefix("telegram:")
    if (key := telegram_key(text)) is not None:
        return key
    if text.startswith("@"):
        return NotAPerson(
            f"{shown} is a Telegram username, which may become another person's: send the user id"
        )
    if _TELEGRAM_ID.fullmatch(text) is None:
        return _scoped("telegram", channel_id, text)
    number = int(text)
    if number in _TELEGRAM_SERVICE_IDS:
        return NotAPerson(f"Telegram's service account {number} is not a person")
    if number <= 0:
        return NotAPerson(f"Telegram's chat {number} is a group or a channel, not a person")
    return NotAPerson(f"{shown} is no Telegram user id: those have at most 52 bits")


def _address_key(kind: str, channel_id: str, text: str, shown: str) -> str | NotAPerson:
    address = email_address(text) if "@" in text or "\uff20" in text else None
    if address is not None:
        if _is_machine(address):
            return NotAPerson(f"{shown} is a mail system or a no-reply sender, not a person")
        return f"email:{address}"
    if kind == "email":
        return NotAPerson(f"{shown} is not an e-mail address")
    return _scoped(kind, channel_id, text)


def _mailbox(text: str) -> str:
    """Return the address out of `mailto:a@b?subject=…`, `Name <a@b>` or `a@b (Name)`."""
    if text[:7].lower() == "mailto:":
        return unquote(text[7:].partition("?")[0], errors="replace")
    if (match := _MAILBOX.fullmatch(text)) is not None:
        name = _QUOTED_NAME.sub("", match[1])
        # "a@b.com, Name <c@d.com>" is two people.
        several = "<" in name or ("@" in name and ("," in name or ";" in name))
        return "" if several else match[2]
    if (match := _COMMENTED.fullmatch(text)) is not None:
        return match[1]
    # "john doe"@x.com is quoted in part, "john@x.com" as a whole.
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] in _QUOTES else text


def _ascii_domain(domain: str) -> str | None:
    """Return the domain as the DNS has it; None for what can be none."""
    # Not the standard library's idna codec: its rules of 2003 make straße.de strasse.de.
    labels = unicodedata.normalize("NFKC", domain).lower().removesuffix(".").split(".")
    if any(unicodedata.category(c) in _UNSAFE for label in labels for c in label):
        return None
    try:
        name = ".".join(
            label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
            for label in labels
        )
    except UnicodeError:
        return None
    return name if _DOMAIN.fullmatch(name) else None


def _is_machine(address: str) -> bool:
    local = address.partition("@")[0]
    # What follows a plus is the person's own label.
    name, plus, _ = local.partition("+")
    return (
        name in _MACHINES
        or _NO_REPLY.fullmatch(name) is not None
        or _BOUNCE.fullmatch(local if not plus else name) is not None
    )


# ------------------------------------------------------------------ text in keys


def _trimmed(text: str) -> str:
    """Return the text without white space and invisible characters around it."""
    if text.isascii() and text.isprintable():
        return text.strip()
    first, last = 0, len(text)
    while first < last and unicodedata.category(text[first]) in _UNSAFE:
        first += 1
    while last > first and unicodedata.category(text[last - 1]) in _UNSAFE:
        last -= 1
    return text[first:last]


def _scoped(kind: str, scope: str, text: str) -> str:
    name = f"%{kind}" if kind in _OWN_KINDS else _scope(kind)
    return f"{name}:{_scope(scope)}:{_safe(text)}"


def _scope(text: str) -> str:
    """Return a part of a key that others follow: the separator is escaped too."""
    return _safe(text.strip()).replace(":", "%3A;").replace(" ", "%20;")


def _safe(text: str) -> str:
    """Return an opaque id as it may stand in a key; no two ids become one, none is endless."""
    escaped = _escaped(text)
    if len(escaped) <= _KEPT:
        return escaped
    digest = sha256(escaped.encode()).hexdigest()
    return f"{escaped[: _KEPT - len(digest)]}{digest}"


def _escaped(text: str) -> str:
    if text.isprintable() and "%" not in text:
        return text
    return "".join(
        f"%{ord(c):X};" if c == "%" or (c != " " and unicodedata.category(c) in _UNSAFE) else c
        for c in text
    )
