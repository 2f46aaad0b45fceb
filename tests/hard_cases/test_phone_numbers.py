"""Hard cases 1 to 16: phone numbers, as far as their keys and variants decide them.

The pure core and phonenumbers' real metadata.
"""

import pytest

from streams.identity.keys import NotAPerson, identity_key, phone_key, possible_variants
from streams.identity.phones import InvalidPhone, international, typed


def _whatsapp(external_id: str) -> str:
    key = identity_key("whatsapp", "wa-1", external_id)
    assert isinstance(key, str)
    return key


def _typed(text: str, region: str | None) -> str:
    number = typed(text, region)
    assert isinstance(number, str)
    return f"phone:{number}"


def test_case_01_a_number_typed_with_the_ninth_digit_and_a_wa_id_without_it_are_one() -> None:
    assert _typed("(31) 98888-8888", "BR") == _whatsapp("553188888888") == "phone:+5531988888888"


def test_case_02_a_brazilian_landline_on_whatsapp_gets_no_ninth_digit() -> None:
    assert _whatsapp("554532782153") == "phone:+554532782153"
    assert _whatsapp("5545932782153") == "phone:+5545932782153"
    assert possible_variants("phone:+554532782153", "whatsapp") == ()
    assert possible_variants("phone:+5545932782153", "whatsapp") == ()


@pytest.mark.parametrize("area", ["11", "21", "31", "45", "88"])
def test_case_03_eight_digits_from_7_are_suggested_and_never_merged(area: str) -> None:
    short, long = _whatsapp(f"55{area}77654321"), _whatsapp(f"55{area}977654321")
    assert short != long
    assert possible_variants(short, "whatsapp") == (long,)
    assert possible_variants(long, "whatsapp") == (short,)


@pytest.mark.parametrize("area", ["11", "21", "31", "45", "88"])
@pytest.mark.parametrize("first", "689")
def test_case_03_eight_digits_from_6_8_and_9_get_the_ninth(area: str, first: str) -> None:
    assert _whatsapp(f"55{area}{first}7654321") == f"phone:+55{area}9{first}7654321"


@pytest.mark.parametrize("first", "2345")
def test_case_03_eight_digits_from_2_to_5_are_left(first: str) -> None:
    assert _whatsapp(f"5511{first}7654321") == f"phone:+5511{first}7654321"


def test_case_04_a_gateway_that_starts_adding_the_9_makes_no_duplicate() -> None:
    assert _whatsapp("5511987654321") == _whatsapp("551187654321")
    assert _whatsapp("5511987654321@c.us") == _whatsapp("551187654321@s.whatsapp.net")


@pytest.mark.parametrize("text", ["99999-8888", "9999-8888", "+55 99999-8888"])
def test_case_05_a_number_without_its_area_code_is_refused_with_advice(text: str) -> None:
    outcome = typed(text, "BR")
    assert isinstance(outcome, InvalidPhone)
    assert "area code" in outcome.detail


@pytest.mark.parametrize("region", ["BR", "PT", "US", "DE", "AU", None])
def test_case_06_00_and_the_country_code_is_international_wherever_it_is_typed(
    region: str | None,
) -> None:
    assert _typed("0055 11 99999 8888", region) == "phone:+5511999998888"


@pytest.mark.parametrize(
    ("text", "region"), [("0044 20 7946 0958", "BR"), ("00351912345678", "BR")]
)
def test_case_06_other_countries_too(text: str, region: str) -> None:
    assert _typed(text, region) in {"phone:+442079460958", "phone:+351912345678"}


def test_case_07_a_wa_id_is_international_always_and_a_typed_number_needs_its_country() -> None:
    assert _whatsapp("5511999998888") == "phone:+5511999998888"
    assert _typed("5511999998888", "BR") == "phone:+5511999998888"
    assert isinstance(typed("5511999998888", None), InvalidPhone)


@pytest.mark.parametrize(
    "text",
    [
        "+55 (0)11 99999-8888",
        "whatsapp:+5511999998888",
        "tel:+55-11-99999-8888",
        "+５５１１９９９９９８８８８",  # noqa: RUF001 - full-width digits are the case
        "+5511999998888;ext=12",
    ],
)
def test_case_08_every_notation_is_the_number(text: str) -> None:
    assert _whatsapp(text) == phone_key(text) == _typed(text, "BR") == "phone:+5511999998888"


@pytest.mark.parametrize("region", ["BR", None])
@pytest.mark.parametrize(
    "text",
    [
        "+55 11 9 9999 8888 / 11 3333 4444",
        "+55 11 99999 8888; 11 3333 4444",
        "+5511999998888 +551133334444",
    ],
)
def test_case_09_two_numbers_in_one_field_are_refused_and_none_is_guessed(
    text: str, region: str | None
) -> None:
    outcome = typed(text, region)
    assert isinstance(outcome, InvalidPhone)
    assert "one only" in outcome.detail
    assert international(text) is None


def test_case_10_mexicos_521_and_52_are_one_number() -> None:
    assert _whatsapp("5215512345678") == phone_key("+525512345678") == "phone:+525512345678"


@pytest.mark.parametrize(
    "text", ["044 55 1234 5678", "045 55 1234 5678", "01 55 1234 5678", "1 55 1234 5678"]
)
def test_case_11_mexicos_dropped_prefixes_are_dropped(text: str) -> None:
    assert _typed(text, "MX") == "phone:+525512345678"
    assert phone_key(f"+52 {text}") == "phone:+525512345678"


@pytest.mark.parametrize("text", ["011 15 2345-6789", "+54 11 15 2345-6789", "9 11 2345-6789"])
def test_case_12_argentinas_15_at_home_is_the_9_abroad(text: str) -> None:
    assert _typed(text, "AR") == _whatsapp("5491123456789") == "phone:+5491123456789"


def test_case_13_argentinas_number_without_the_9_is_a_suggestion_on_whatsapp_only() -> None:
    fixed, mobile = _typed("11 2345-6789", "AR"), _whatsapp("5491123456789")
    assert fixed == "phone:+541123456789" != mobile
    assert possible_variants(fixed, "whatsapp") == (mobile,)
    assert possible_variants(mobile, "whatsapp") == (fixed,)
    assert possible_variants(fixed, "sms") == possible_variants(mobile, "voice") == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+54 9 11 15 2345 6789", "phone:+5491123456789"),
        ("+54 9 351 15 234 5678", "phone:+5493512345678"),
        ("+54 9 2966 15 456789", "phone:+5492966456789"),
    ],
)
def test_case_14_a_15_beside_the_9_is_dropped(text: str, number: str) -> None:
    assert phone_key(text) == _typed(text, "AR") == number


def test_case_14_a_15_that_cannot_be_told_apart_is_refused() -> None:
    assert isinstance(typed("+54 9 11 15 2345 678", "AR"), InvalidPhone)


def test_case_15_benins_eight_digits_are_the_ten_of_today() -> None:
    assert _whatsapp("22997123456") == _whatsapp("2290197123456") == "phone:+2290197123456"
    assert _typed("97 12 34 56", "BJ") == "phone:+2290197123456"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("22501234567", "2250101234567"),  # Moov
        ("22572234567", "2250172234567"),
        ("22505234567", "2250505234567"),  # MTN
        ("22584234567", "2250584234567"),
        ("22508234567", "2250708234567"),  # Orange
        ("22577234567", "2250777234567"),
        ("22520212345", "2252720212345"),  # landlines
        ("22520012345", "2252520012345"),
        ("22520812345", "2252120812345"),
    ],
)
def test_case_15_ivory_coasts_eight_digits_get_the_prefix_of_their_operator(
    old: str, new: str
) -> None:
    assert _whatsapp(old) == _whatsapp(new) == f"phone:+{new}"


def test_case_15_an_ivorian_number_of_no_known_operator_is_left() -> None:
    assert _whatsapp("22561234567") == "phone:+22561234567"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("24106031234", "24166031234"),  # Gabon 2019, old numbers off since 2024
        ("841234567890", "84834567890"),  # Viet Nam 2018
        ("841681234567", "84381234567"),
        ("23777123456", "237677123456"),  # Cameroon 2014
        ("5712281260", "576012281260"),  # Colombia 2021
        ("59398765432", "593998765432"),  # Ecuador 2012
        ("20101234567", "201001234567"),  # Egypt 2011
        ("2307123456", "23057123456"),  # Mauritius 2013
        ("6707723456", "67077723456"),  # Timor-Leste 2013
    ],
)
def test_case_15_other_countries_that_changed_their_numbers(old: str, new: str) -> None:
    assert _whatsapp(old) == _whatsapp(new) == f"phone:+{new}"


def test_case_16_italys_leading_zero_is_part_of_the_number() -> None:
    kept = phone_key("+39 06 12345678")
    assert kept == _whatsapp("390612345678") == _typed("06 12345678", "IT") == "phone:+390612345678"
    assert phone_key("+39 6 12345678") != kept
    assert isinstance(typed("+39 6 12345678", "IT"), InvalidPhone)


def test_no_phone_case_ever_gives_a_person_to_a_short_code() -> None:
    assert isinstance(identity_key("sms", "sms-1", "12345"), NotAPerson)
