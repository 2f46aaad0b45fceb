"""Phone numbers to comparable keys: one canonical form for every notation and age of a number.

phonenumbers does the parsing; what countries changed is dated data with a certainty, in
numbering.toml. The canonical form is for comparing: whoever sends keeps the number as received.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType, ValidationResult

from streams.identity.numbering import (
    Plan,
    calling_code_of,
    digits_of,
    is_possible,
    is_valid,
    numbering,
    parsed_number,
    plan_of,
)

# ITU-T E.164: at most 15 digits; numbers of 6 digits and less are short codes.
_E164: Final = re.compile(r"[1-9][0-9]{6,14}")
_PLAIN: Final = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})")
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs"})
_QUOTES: Final = " \t\n\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"
_SCHEME: Final = re.compile(
    r"(?:whatsapp|sms|tel|rcs|callto|sips?):(?://)?"
    r"|(?:https?://)?(?:wa\.me/|api\.whatsapp\.com/send/?\?phone=)",
    re.IGNORECASE,
)
_SIP_HOST: Final = re.compile(r"@[A-Za-z0-9.-]+(?::\d+)?")
_EXTENSION: Final = re.compile(
    r"\s*(?:[;,]?\s*(?:ext(?:ension|n)?|ramal|interno|int|anexo|poste|x)[.:=\s]*|#|,|;)\s*"
    r"[0-9]{1,6}#?$",
    re.IGNORECASE,
)
_URI_PARAMETERS: Final = re.compile(r";[a-z-]+=.*", re.IGNORECASE)
_SEPARATORS: Final = r"\s().\-/~\u2010-\u2015\u2212"
_NOTATION: Final = re.compile(rf"[+0-9{_SEPARATORS}]*")
_SEPARATOR: Final = re.compile(rf"[{_SEPARATORS}]")
# A slash alone says nothing: Germany writes 030/1234567.
_SECOND_NUMBER: Final = re.compile(r"[|;,](?:[^|;,0-9]*[0-9]){7}")
_E164_DIGITS: Final = 15
_DIGITS_WITH_TRUNK: Final = 20  # a trunk 0 and a carrier's two digits, inside the longest number
_TRUNK_ZERO: Final = "(0)"


@dataclass(frozen=True, slots=True)
class InvalidPhone:
    """Why a typed text is no person's number, and what to write instead: `advice` does not quote
    the text, `detail` does.
    """

    advice: str
    shown: str = ""

    @property
    def detail(self) -> str:
        """Return the advice for whoever typed the text."""
        return f"{self.shown!r}: {self.advice}" if self.shown else self.advice


def international(text: str) -> str | None:
    """Return a platform's number in canonical form, "+" and digits; None for no person's number.

    Read as international always, with or without "+" or "00". Numbers and ranges that
    phonenumbers does not know stay as they are: the platform proves that they exist.
    """
    if (match := _PLAIN.fullmatch(text)) is not None:
        return _as_number(match[1])
    notation = _notation(text)
    if isinstance(notation, InvalidPhone):
        return None
    kept, dropped = (_without_prefix(form) for form in notation)
    # "(0)" is the trunk prefix, dialled inside the country only; in Italy it is the number's own.
    if dropped != kept and not is_valid(_comparable(kept)):
        return _as_number(dropped)
    return _as_number(kept)


def placeholder(text: str) -> str | None:
    """Return the word that a number spells which stands for every withheld caller."""
    match = _PLAIN.fullmatch(text.strip())
    return numbering().placeholders.get(match[1]) if match else None


def typed(text: str, region: str | None) -> str | InvalidPhone:
    """Return what a person typed, in canonical form; national notation is read in `region`.

    Stricter than `international`: a typing mistake must not become somebody else's number.
    """
    notation = _notation(text)
    if isinstance(notation, InvalidPhone):
        return notation
    kept, dropped = notation
    shown = text.strip()[:40]
    if kept.startswith("+"):
        return _typed_international(shown, kept, dropped)
    country = (region or "").strip().upper()
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        return InvalidPhone(f"{region!r} is no country: use two letters of ISO 3166, like BR")
    return _typed_national(shown, kept, dropped, country)


def variants(number: str, channel_type: str) -> tuple[str, ...]:
    """Return the canonical numbers that may be the same person's, as suggestions only."""
    digits = number.removeprefix("+")
    if (plan := plan_of(calling_code_of(digits))) is None or not plan.ambiguous:
        return ()
    national = digits[len(plan.calling_code) :]
    found = (
        f"+{plan.calling_code}{result}"
        for rule in plan.ambiguous
        if not rule.channels or channel_type in rule.channels
        for result in rule.results(national)
    )
    return tuple(sorted(set(found) - {number}))


# ------------------------------------------------------------------ digits


def _as_number(digits: str) -> str | None:
    """Return the number in canonical form, or None where it can be nobody's."""
    if digits in numbering().placeholders or len(digits) > _DIGITS_WITH_TRUNK:
        return None
    comparable = _comparable(digits)
    plan = plan_of(calling_code_of(comparable))
    longest = _E164_DIGITS if plan is None else len(plan.calling_code) + plan.longest
    if len(comparable) > min(longest, _E164_DIGITS) or _E164.fullmatch(comparable) is None:
        return None
    return f"+{comparable}"


def _comparable(digits: str) -> str:
    """Return international digits as they are compared: old forms and trunk prefixes resolved."""
    # Twice: a trunk prefix may hide an old form. The third round only ever confirms.
    for _ in range(3):
        once = _resolved(digits)
        if once == digits:
            break
        digits = once
    return digits


def _resolved(digits: str) -> str:
    plan = plan_of(calling_code_of(digits))
    if plan is None:
        return digits
    national = digits[len(plan.calling_code) :]
    if (renumbered := plan.renumbered(national)) != national:
        return plan.calling_code + renumbered
    if len(national) in plan.lengths and not plan.may_have_trunk(national):
        return digits
    return _without_trunk(digits, plan)


def _without_trunk(digits: str, plan: Plan) -> str:
    """Return the digits without a prefix that is dialled inside the country only."""
    if is_valid(digits) or (parsed := parsed_number(f"+{digits}", None)) is None:
        return digits
    shorter = digits_of(parsed)
    national = shorter.removeprefix(plan.calling_code)
    return shorter if is_possible(plan.calling_code + plan.renumbered(national)) else digits


# ------------------------------------------------------------------ notation


def _notation(text: str) -> tuple[str, str] | InvalidPhone:  # noqa: PLR0911 - one guard a form
    """Return digits with their "+", with and without a "(0)"; or what is wrong with the text."""
    tidy = _tidy(text)
    shown = tidy[:40]
    if scheme := _SCHEME.match(tidy):
        tidy = tidy[scheme.end() :]
        if scheme[0].lower().startswith("sip"):
            tidy = _SIP_HOST.sub("", tidy, count=1)
    if "phone-context=" in tidy.lower():
        parsed = parsed_number(f"tel:{tidy}", None)
        if parsed is None:
            return InvalidPhone("write the number with + and the country code", shown)
        return (f"+{digits_of(parsed)}",) * 2
    tidy = _URI_PARAMETERS.sub("", tidy)
    if _SECOND_NUMBER.search(tidy):
        return InvalidPhone("it holds more than one number, write one only", shown)
    tidy = _EXTENSION.sub("", tidy).strip(_QUOTES)
    if not tidy:
        return InvalidPhone("the phone number is empty")
    if _NOTATION.fullmatch(tidy) is None:
        return InvalidPhone("it is no phone number, write digits, and + before a country", shown)
    kept, dropped = (_SEPARATOR.sub("", form) for form in (tidy, tidy.replace(_TRUNK_ZERO, "")))
    if kept.count("+") > 1 or ("/" in tidy and len(kept) > _E164_DIGITS + 2):
        return InvalidPhone("it holds more than one number, write one only", shown)
    if "+" in kept[1:] and not kept.startswith("00+"):
        return InvalidPhone("a + may only come first", shown)
    return kept, dropped


def _tidy(text: str) -> str:
    """Return the text with plain digits, and without what is invisible or around it."""
    shown = []
    for character in unicodedata.normalize("NFKC", " ".join(text.split())):
        if unicodedata.category(character) in _INVISIBLE:
            continue
        digit = unicodedata.decimal(character, None)
        shown.append(character if digit is None else str(digit))
    return "".join(shown).strip(_QUOTES)


def _without_prefix(notation: str) -> str:
    """Return the digits after "+" or "00"; both happen together."""
    digits = notation.removeprefix("00+").removeprefix("+")
    return digits.removeprefix("00")


def _typed_international(shown: str, kept: str, dropped: str) -> str | InvalidPhone:
    number = international(kept)
    if number is None or not is_valid(number[1:]):
        number = international(dropped) or number
    if number is None:
        return InvalidPhone("it has too few or too many digits for a phone number", shown)
    digits = number[1:]
    plan = plan_of(calling_code_of(digits))
    if plan is None:
        return InvalidPhone(f"no country has a calling code +{digits[:3]}", shown)
    if is_valid(digits):
        return number
    with_zero = f"{plan.calling_code}0{digits[len(plan.calling_code) :]}"
    if plan.trunk is None and is_valid(with_zero):
        return InvalidPhone(
            f"here the 0 belongs to the number, write it after +{plan.calling_code}", shown
        )
    # The length of a subscriber's number, in a range phonenumbers may not know yet.
    if is_possible(digits):
        return number
    return InvalidPhone(
        f"it is no number of +{plan.calling_code}, check its digits and the area code", shown
    )


def _typed_national(shown: str, kept: str, dropped: str, region: str) -> str | InvalidPhone:
    readings = dict.fromkeys(
        reading
        for candidate in _readings(kept, dropped, region)
        if is_valid(reading := _comparable(candidate))
    )
    if not readings:
        return InvalidPhone(_why_not(kept, region), shown)
    if len(readings) > 1:
        ways = " or ".join(f"+{reading}" for reading in readings)
        advice = "it may be one of several numbers, write it with + and the country code"
        return InvalidPhone(advice, f"{shown} ({ways})")
    return f"+{next(iter(readings))}"


def _readings(kept: str, dropped: str, region: str) -> Iterable[str]:
    """Yield the international digits that a notation without "+" may mean."""
    for notation in dict.fromkeys((kept, dropped)):
        if notation.startswith("00"):
            # Before the region's own rule: Brazil's is 00 and a carrier, and would eat the 55.
            yield _without_prefix(notation)
        if not region:
            continue
        calling_code = str(phonenumbers.country_code_for_region(region))
        plan = plan_of(calling_code)
        for rule in plan.certain if plan else ():
            yield from (calling_code + result for result in rule.results(notation))
        if (parsed := parsed_number(notation, region)) is not None:
            yield digits_of(parsed)


def _why_not(notation: str, region: str) -> str:
    if not region:
        return "it names no country, write it with + and the country code"
    parsed = parsed_number(notation, region)
    subscriber = PhoneNumberType.FIXED_LINE_OR_MOBILE
    reason = (
        ValidationResult.INVALID_LENGTH
        if parsed is None
        else phonenumbers.is_possible_number_for_type_with_reason(parsed, subscriber)
    )
    advice = {
        ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
        ValidationResult.TOO_SHORT: "it is too short, write the area code too",
        ValidationResult.TOO_LONG: "it is too long, write one number only",
    }.get(reason, "check its digits and the area code")
    return f"it is no number of {region}: {advice}, or write + and the country code"
