"""How countries number: what phonenumbers knows, and the dated changes of numbering.toml.

Adding a country is adding data there. A plan says, for one calling code, whether a number needs a
second look at all.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any, Final, Literal

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType, ValidationResult

Certainty = Literal["certain", "ambiguous", "never"]

_ONE_DIGIT_CODES: Final = frozenset("17")
_CALLING_CODES: Final = frozenset(str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


@dataclass(frozen=True, slots=True)
class Form:
    """A pattern of a whole national number, and what it becomes."""

    old: re.Pattern[str]
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One change of a country's numbers. See the head of numbering.toml."""

    calling_code: str
    region: str
    description: str
    effective: date
    source: str
    certainty: Certainty
    forms: tuple[Form, ...]
    channels: frozenset[str] = frozenset()
    checked: bool = False
    justification: str = ""

    def results(self, national: str) -> list[str]:
        """Return what the national number becomes, without repetition."""
        found = (
            match.expand(form.new)
            for form in self.forms
            if (match := form.old.fullmatch(national)) is not None
        )
        return [
            result
            for result in dict.fromkeys(found)
            if not self.checked or is_valid(self.calling_code + result)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What decides, for one calling code, whether a number needs a second look."""

    calling_code: str
    lengths: frozenset[int]
    trunk: re.Pattern[str] | None
    longest: int
    old: re.Pattern[str] | None  # any form that a certain rule may rewrite
    certain: tuple[Rule, ...]
    ambiguous: tuple[Rule, ...]

    def renumbered(self, national: str) -> str:
        """Return the national number of today for one of an older form."""
        if self.old is not None and self.old.fullmatch(national):
            for rule in self.certain:
                if len(results := rule.results(national)) == 1:
                    return results[0]
        return national

    def may_have_trunk(self, national: str) -> bool:
        """Say whether it starts with what is dialled inside the country only."""
        return self.trunk is not None and bool((found := self.trunk.match(national)) and found[0])


@dataclass(frozen=True, slots=True)
class Numbering:
    """The data of numbering.toml."""

    rules: tuple[Rule, ...]
    longest: Mapping[str, int] = field(default_factory=dict)
    placeholders: Mapping[str, str] = field(default_factory=dict)

    def of(self, calling_code: str, certainty: Certainty) -> tuple[Rule, ...]:
        """Return a country's rules of one certainty."""
        return tuple(
            rule
            for rule in self.rules
            if rule.calling_code == calling_code and rule.certainty == certainty
        )


@lru_cache(maxsize=1)
def numbering() -> Numbering:
    """Return the countries' data, read once: it is part of the program, like the code."""
    text = resources.files(__package__).joinpath("numbering.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    return Numbering(
        rules=tuple(_rule(**table) for table in document["rules"]),
        longest={plan["calling_code"]: plan["longest"] for plan in document["plans"]},
        placeholders={entry["digits"]: entry["means"] for entry in document["placeholders"]},
    )


def _rule(*, forms: list[dict[str, str]], channels: Iterable[str] = (), **named: Any) -> Rule:
    return Rule(
        forms=tuple(
            Form(re.compile(form["old"], re.ASCII), form.get("new", r"\g<0>")) for form in forms
        ),
        channels=frozenset(channels),
        **named,
    )


def calling_code_of(digits: str) -> str:
    """Return the calling code; no code begins another, so the digits decide."""
    if digits[:1] in _ONE_DIGIT_CODES:
        return digits[:1]
    return digits[:2] if digits[:2] in _CALLING_CODES else digits[:3]


@lru_cache(maxsize=1_000)
def plan_of(calling_code: str) -> Plan | None:
    """Return the plan of a calling code; None where no country has it."""
    if calling_code not in _CALLING_CODES:
        return None
    region = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(calling_code)][0]
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(calling_code), region)
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    certain = numbering().of(calling_code, "certain")
    old = "|".join(form.old.pattern for rule in certain for form in rule.forms)
    return Plan(
        calling_code=calling_code,
        lengths=frozenset(metadata.general_desc.possible_length),
        trunk=re.compile(prefix) if prefix else None,
        longest=numbering().longest.get(calling_code, 15),
        old=re.compile(old, re.ASCII) if old else None,
        certain=certain,
        ambiguous=numbering().of(calling_code, "ambiguous"),
    )


def parsed_number(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    """Return what phonenumbers reads in the text, or None."""
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def digits_of(parsed: phonenumbers.PhoneNumber) -> str:
    """Return a parsed number's international digits."""
    formatted = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return str(formatted).removeprefix("+")


def is_valid(digits: str) -> bool:
    """Say whether phonenumbers knows these digits as somebody's number, as they stand."""
    parsed = parsed_number(f"+{digits}", None)
    # What parsing changed was not the number itself.
    return (
        parsed is not None
        and digits_of(parsed) == digits
        and bool(phonenumbers.is_valid_number(parsed))
    )


def is_possible(digits: str) -> bool:
    """Say whether a mobile or fixed number of that country has this length."""
    parsed = parsed_number(f"+{digits}", None)
    return parsed is not None and (
        phonenumbers.is_possible_number_for_type_with_reason(
            parsed, PhoneNumberType.FIXED_LINE_OR_MOBILE
        )
        == ValidationResult.IS_POSSIBLE
    )
