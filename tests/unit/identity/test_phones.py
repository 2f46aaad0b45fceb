"""Phone numbers: notations, what countries changed, and the data of numbering.toml.

Real phonenumbers metadata and the real data; nothing is faked.
"""

import re
from datetime import date

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from streams.identity.numbering import Rule, numbering
from streams.identity.phones import InvalidPhone, international, placeholder, typed, variants
from tests.examples import examples

RULES = numbering().rules
CERTAIN = [rule for rule in RULES if rule.certainty == "certain"]
AMBIGUOUS = [rule for rule in RULES if rule.certainty == "ambiguous"]
NEVER = [rule for rule in RULES if rule.certainty == "never"]
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def _name(rule: Rule) -> str:
    return f"{rule.region} {rule.description[:30]}"


def _old_numbers(rule: Rule) -> st.SearchStrategy[str]:
    return st.one_of(
        [
            st.from_regex(form.old, fullmatch=True).map(lambda n: rule.calling_code + n)
            for form in rule.forms
        ]
    )


def _is_valid(digits: str) -> bool:
    parsed = phonenumbers.parse(f"+{digits}")
    return phonenumbers.is_valid_number(parsed) and parsed.national_number is not None


# ------------------------------------------------------------------ notations


@pytest.mark.parametrize(
    "text",
    [
        "5511999998888",
        "+5511999998888",
        "005511999998888",
        "+005511999998888",
        "00+5511999998888",
        "whatsapp:+5511999998888",
        "sms:+5511999998888",
        "tel:+55-11-99999-8888",
        "tel:+5511999998888;ext=12",
        "tel:11999998888;phone-context=+55",
        "callto:+5511999998888",
        "sip:+5511999998888@voice.example.com:5060",
        "https://wa.me/5511999998888",
        "+55 (11) 99999-8888",
        "(+55) 11 99999.8888",
        "+55 (0)11 99999-8888",
        "+55 0 11 99999-8888",
        "+55 (0) 31 11 99999-8888",  # a carrier's code, dialled inside the country
        "+55 11 99999 8888 ext. 12",
        "+55 11 99999 8888 x12",
        "+55 11 99999 8888 ramal 12",
        "+55 11 99999 8888#12",
        " \t+55\u00a011\u202f99999\u20118888\r\n",
        "\u202a+5511999998888\u202c",  # as copied out of a phone's contacts
        '"+5511999998888"',
        "+５５１１９９９９９８８８８",  # noqa: RUF001 - full-width digits are the case
        "+٥٥١١٩٩٩٩٩٨٨٨٨",
    ],
)
def test_one_number_in_any_notation_is_one_number(text: str) -> None:
    assert international(text) == "+5511999998888"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("44 07911 123456", "+447911123456"),
        ("+7 8 (903) 123-45-67", "+79031234567"),
        ("+1 1 212 555 0123", "+12125550123"),
        ("+36 06 30 123 4567", "+36301234567"),
        ("+61 (0)412 345 678", "+61412345678"),
        ("+972 054-123-4567", "+972541234567"),
        ("+49 30/1234567", "+49301234567"),
        ("+39 06 12345678", "+390612345678"),  # Italy's 0 is no trunk prefix
        ("+39 (0)6 12345678", "+390612345678"),
        ("+225 07 07 12 34 56", "+2250707123456"),
        ("+378 0549 886377", "+3780549886377"),
    ],
)
def test_the_trunk_prefix_goes_where_it_is_one_and_stays_where_it_is_the_number(
    text: str, number: str
) -> None:
    assert international(text) == number


@pytest.mark.parametrize(
    "text",
    [
        *("", "+", "00", "12345", "123456", "+12345", "AMAZON", "VM-HDFCBK", "1-800-FLOWERS"),
        *("anonymous", "+266696687", "+7378742833", "+86282452253"),
        "1234567890123456",  # longer than E.164
        "142902286143727",  # a LID without its suffix: no number of +1 has 14 digits after it
        "011999998888",  # no country begins with 0
        "+55 11 99999 8888 / 11 3333 4444",
        "+4711223344, +4755667788",
        "+4711223344 +4755667788",
        "GB.10000000000000205",
        "120363043968066561",
        "5511999998888-1400000000",
    ],
)
def test_what_is_no_persons_number_is_none(text: str) -> None:
    assert international(text) is None


@pytest.mark.parametrize("text", ["999123456789", "5511123456789", "16315551181", "2250199"])
def test_a_number_that_phonenumbers_does_not_know_stays_as_the_platform_has_it(text: str) -> None:
    assert international(text) == f"+{text}"


@pytest.mark.parametrize("kind", [PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
@pytest.mark.parametrize("region", REGIONS)
def test_every_countrys_notations_are_one_number(region: str, kind: int) -> None:
    number = phonenumbers.example_number_for_type(region, kind)
    if number is None:
        pytest.skip("phonenumbers has no example")
    plain = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    canonical = international(plain)
    assert canonical is not None
    for notation in (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966):
        text = phonenumbers.format_number(number, notation)
        assert international(text) == canonical
        assert typed(text, None) == canonical
    assert international(f"00{plain[1:]}") == canonical
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    assert typed(national, region) == canonical
    assert international(canonical) == canonical


# ------------------------------------------------------------------ typed


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("(31) 98888-8888", "BR", "+5531988888888"),
        ("(31) 8888-8888", "BR", "+5531988888888"),
        ("0 31 31 98888 8888", "BR", "+5531988888888"),
        ("11 3333-4444", "br", "+551133334444"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("8 903 123-45-67", "RU", "+79031234567"),
        ("097123456", "BE", None),
        ("97 12 34 56", "BJ", "+2290197123456"),
        ("07 12 34 56", "CI", "+2250707123456"),
        ("06 11 11 11", "GA", "+24166111111"),
        ("066 11 11 11", "GA", "+24166111111"),
        ("0120 456 7890", "VN", "+84704567890"),
        ("010 123 4567", "EG", "+201001234567"),
        ("1 228 1260", "CO", "+576012281260"),
        ("011 55 11 99999 8888", "US", "+5511999998888"),
        ("0011 55 11 99999 8888", "AU", "+5511999998888"),
        ("0044 7911 123456", "US", "+447911123456"),
    ],
)
def test_what_is_typed_in_a_country_is_read_as_that_country_dials(
    text: str, region: str, number: str | None
) -> None:
    result = typed(text, region)
    assert isinstance(result, InvalidPhone) if number is None else result == number


@pytest.mark.parametrize(
    ("text", "region", "advice"),
    [
        ("", "BR", "empty"),
        ("  ", None, "empty"),
        ("call me", "BR", "write digits"),
        ("12345", "BR", "too short"),
        ("99999-8888", "BR", "area code"),
        ("5511999998888", None, "country code"),
        ("11 99999-8888", "XX", "ISO 3166"),
        ("+999 123 4567", None, "calling code"),
        ("+39 6 12345678", "IT", "0 belongs"),
        ("+55 99999-8888", None, "area code"),
        ("11 99999 8888 9999", "BR", "too long"),
        ("+5511+99998888", "BR", "one only"),
        ("55+11999998888", "BR", "may only come first"),
    ],
)
def test_an_invalid_phone_says_what_to_write(text: str, region: str | None, advice: str) -> None:
    result = typed(text, region)
    assert isinstance(result, InvalidPhone)
    assert advice in result.detail


def test_a_typed_number_of_a_range_phonenumbers_does_not_know_is_taken() -> None:
    assert typed("+1 555 123 4567", None) == "+15551234567"


@given(text=st.text(alphabet=st.characters()), region=st.sampled_from([None, "", "BR", "??", "US"]))
def test_any_text_is_a_number_or_says_why_not(text: str, region: str | None) -> None:
    result = typed(text, region)
    assert isinstance(result, InvalidPhone) or international(result) == result
    international(text)


# ------------------------------------------------------------------ canonical form

_digits = st.one_of(
    st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True),
    st.builds(
        str.__add__,
        st.sampled_from(sorted({rule.calling_code for rule in RULES} | {"1", "7", "44", "49"})),
        st.from_regex(r"[0-9]{5,12}", fullmatch=True),
    ),
    *(_old_numbers(rule) for rule in RULES),
)


@settings(max_examples=examples(135))
@given(_digits)
def test_the_canonical_form_of_a_canonical_form_is_itself(digits: str) -> None:
    number = international(digits)
    if number is not None:
        assert international(number) == number
        assert international(number[1:]) == number


@settings(max_examples=examples(65))
@given(
    digits=_digits,
    head=st.sampled_from(["", "+", "00", "whatsapp:+", " "]),
    separators=st.lists(st.sampled_from(["", "", " ", "-", ".", "\u2011"]), min_size=15),
)
def test_punctuation_never_changes_the_number(
    digits: str, head: str, separators: list[str]
) -> None:
    spaced = "".join(
        digit + separator for digit, separator in zip(digits, separators, strict=False)
    )
    assert international(head + spaced) == international(digits)


@settings(max_examples=examples(135))
@given(_digits, st.sampled_from(["whatsapp", "sms", "voice"]))
def test_variants_are_mutual_and_canonical_and_never_the_number_itself(
    digits: str, channel_type: str
) -> None:
    number = international(digits)
    if number is None:
        return
    for variant in variants(number, channel_type):
        assert variant != number
        assert number in variants(variant, channel_type)
        assert international(variant) == variant


@pytest.mark.parametrize("region", [region for region in REGIONS if region != "GA"])
def test_a_valid_number_is_never_rewritten(region: str) -> None:
    """Gabon is left out: phonenumbers still has the numbers that were switched off in 2024."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    nationals = [
        st.from_regex(re.compile(kind.national_number_pattern, re.ASCII), fullmatch=True)
        for kind in (metadata.mobile, metadata.fixed_line)
        if kind is not None and kind.national_number_pattern
    ]

    @settings(max_examples=examples(5))
    @given(st.one_of(nationals))
    def holds(national: str) -> None:
        digits = f"{metadata.country_code}{national}"
        parsed = phonenumbers.parse(f"+{digits}")
        as_parsed = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
        # Austria has landlines that are no longer than a short code: 43 1 110; and Germany's plan
        # in phonenumbers has some that are longer than E.164 allows.
        is_plausible = 7 <= len(digits) <= 15
        if is_plausible and phonenumbers.is_valid_number(parsed) and as_parsed == f"+{digits}":
            assert international(digits) == typed(f"+{digits}", None) == f"+{digits}"

    holds()


# ------------------------------------------------------------------ the data


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_every_rule_names_its_country_its_date_and_its_source(rule: Rule) -> None:
    assert phonenumbers.country_code_for_region(rule.region) == int(rule.calling_code)
    assert date(1990, 1, 1) < rule.effective <= date(2026, 12, 31)
    assert len(rule.source) > 20
    assert rule.description
    assert rule.forms


@pytest.mark.parametrize("rule", CERTAIN, ids=_name)
def test_a_certain_rule_rewrites_no_valid_number_or_says_why(rule: Rule) -> None:
    @settings(max_examples=examples(20))
    @given(_old_numbers(rule))
    def holds(digits: str) -> None:
        if not rule.justification and rule.results(digits.removeprefix(rule.calling_code)):
            assert not _is_valid(digits)

    holds()


@pytest.mark.parametrize("rule", CERTAIN, ids=_name)
def test_a_certain_rule_gives_one_number_that_can_exist(rule: Rule) -> None:
    @settings(max_examples=examples(20))
    @given(_old_numbers(rule))
    def holds(digits: str) -> None:
        results = rule.results(digits.removeprefix(rule.calling_code))
        assert len(results) == 1 or (rule.checked and len(results) == 0)
        for result in results:
            number = phonenumbers.parse(f"+{rule.calling_code}{result}")
            assert phonenumbers.is_possible_number(number)
            assert international(digits) == f"+{rule.calling_code}{result}"

    holds()


@pytest.mark.parametrize("rule", [r for r in CERTAIN if not r.checked], ids=_name)
def test_an_unchecked_certain_rule_gives_valid_numbers(rule: Rule) -> None:
    @settings(max_examples=examples(20))
    @given(_old_numbers(rule))
    def holds(digits: str) -> None:
        (result,) = rule.results(digits.removeprefix(rule.calling_code))
        # Mexico and Brazil have prefixes that nobody holds; the change is the country's whole.
        assert _is_valid(rule.calling_code + result) or rule.region == "MX"

    holds()


@pytest.mark.parametrize("rule", NEVER, ids=_name)
def test_what_is_never_rewritten_is_neither_rewritten_nor_suggested(rule: Rule) -> None:
    @settings(max_examples=examples(20))
    @given(_old_numbers(rule))
    def holds(digits: str) -> None:
        assert international(digits) == f"+{digits}"
        assert variants(f"+{digits}", "whatsapp") == ()

    holds()


@pytest.mark.parametrize("rule", AMBIGUOUS, ids=_name)
def test_an_ambiguous_number_stays_and_has_its_variant(rule: Rule) -> None:
    channel_type = next(iter(rule.channels), "sms")

    @settings(max_examples=examples(20))
    @given(_old_numbers(rule))
    def holds(digits: str) -> None:
        assert international(digits) == f"+{digits}"
        assert len(variants(f"+{digits}", channel_type)) >= 1

    holds()


def test_placeholders_are_nobodys_number() -> None:
    for digits, word in numbering().placeholders.items():
        assert not _is_valid(digits)
        assert placeholder(f"+{digits}") == word
        assert isinstance(typed(f"+{digits}", None), InvalidPhone)
