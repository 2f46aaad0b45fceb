"""From a channel identity to its identity key: the one name under which a person is stored.

Pure rules, one a kind of channel. The same phone on WhatsApp and SMS gets the same key, and so
the same partition, with no coordination. What is no person gets a reason instead of a key.
Sources of the blocked values: PostHog's illegal distinct ids, Segment's blocked identifiers.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers


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
_BLOCKED_EXACT: Final = frozenset({"[object Object]", "NaN", "None", "none", "null", "0", "-1"})
_ZEROS_AND_DASHES: Final = re.compile(r"[0-]*")

_PHONE_CHANNELS: Final = frozenset({"whatsapp", "sms", "rcs", "voice"})
_PHONE_PREFIXES: Final = ("whatsapp:", "sms:", "tel:", "rcs:")
_WHATSAPP_PERSON_SUFFIXES: Final = ("@s.whatsapp.net", "@c.us")
_WHATSAPP_CROWD_SUFFIXES: Final = ("@g.us", "@broadcast", "@newsletter", "-group")
_BSUID: Final = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_EMAIL: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,190}\.[^@\s,;<>\".]{2,63}")
_PUNCTUATION: Final = re.compile(r"[\s().\-/\u2010-\u2015]")
# ITU-T E.164: at most 15 digits; numbers of 6 digits and less are short codes.
_PLAIN_NUMBER: Final = re.compile(r"(?:\+|00)?([1-9]\d{6,14})")

# Telegram's own senders: service notices, anonymous group admin, channel bot, replies.
# Source: gotd/td constant/ids.go.
_TELEGRAM_SERVICE_IDS: Final = frozenset({"777000", "1087968824", "136817688", "1271266957"})


@lru_cache(maxsize=200_000)
def identity_key(channel_type: str, channel_id: str, external_id: str) -> str | NotAPerson:
    """Return the identity key within the tenant, or why this is not a person."""
    text = unicodedata.normalize("NFKC", external_id).strip().strip("\"'").strip()
    if is_blocked(text):
        return NotAPerson(f"the sender {external_id!r} is a placeholder, not a person")
    if channel_type in _PHONE_CHANNELS:
        return _phone_key(channel_type, channel_id, text)
    if channel_type == "telegram":
        return _telegram_key(channel_id, text)
    if channel_type in ("email", "webchat") and (address := email_address(text)):
        return f"email:{address}"
    if channel_type == "email":
        return NotAPerson(f"{external_id!r} is not an e-mail address")
    return f"{channel_type}:{channel_id}:{text}"


def is_blocked(text: str) -> bool:
    """Say whether a value stands for nobody, in any of the forms broken integrations send."""
    return (
        text.lower() in _BLOCKED_ANY_CASE
        or text in _BLOCKED_EXACT
        or _ZEROS_AND_DASHES.fullmatch(text) is not None
    )


def email_address(text: str) -> str | None:
    """Return the address in comparable form, or None where the text is none."""
    return text.lower() if _EMAIL.fullmatch(text) else None


def phone_number(text: str) -> str | None:
    """Return the number in E.164 form, or None where the text is no international number."""
    text = text.replace("(0)", "")  # the trunk prefix, dialled inside the country only
    plain = _PUNCTUATION.sub("", text)
    if match := _PLAIN_NUMBER.fullmatch(plain):
        return f"+{match[1]}"
    if not plain.startswith("+"):
        return None
    try:
        parsed = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _phone_key(channel_type: str, channel_id: str, text: str) -> str | NotAPerson:
    lowered = text.lower()
    for prefix in _PHONE_PREFIXES:
        if lowered.startswith(prefix):
            text = text[len(prefix) :]
            break
    if text.endswith(_WHATSAPP_CROWD_SUFFIXES):
        return NotAPerson(f"{text!r} is a group or a broadcast, not a person")
    if text.endswith("@lid"):
        return f"lid:{text.removesuffix('@lid')}"
    for suffix in _WHATSAPP_PERSON_SUFFIXES:
        text = text.removesuffix(suffix)
    if (number := phone_number(text)) is not None:
        return f"phone:{number}"
    if channel_type == "whatsapp" and _BSUID.fullmatch(text):
        return f"bsuid:{channel_id}:{text}"
    return NotAPerson(f"{text!r} is a short code or a service sender, not a person's number")


def _telegram_key(channel_id: str, text: str) -> str | NotAPerson:
    if text in _TELEGRAM_SERVICE_IDS:
        return NotAPerson(f"Telegram's service account {text} is not a person")
    if text.startswith("-"):
        return NotAPerson(f"Telegram's chat {text} is a group, not a person")
    if text.isdigit():
        return f"telegram:{text}"
    return f"telegram:{channel_id}:{text}"
