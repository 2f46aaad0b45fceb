"""Hard cases 17 to 19, 25, 27 and 40: which senders are persons, as far as their keys decide it."""

import pytest

from streams.identity.keys import (
    NotAPerson,
    bsuid_key,
    identity_key,
    lid_key,
    phone_key,
    telegram_key,
)


@pytest.mark.parametrize("sender", ["AMAZON", "12345", "VM-HDFCBK", "My Bank", "262626"])
def test_case_17_a_service_sender_is_not_a_person(sender: str) -> None:
    outcome = identity_key("sms", "sms-1", sender)
    assert isinstance(outcome, NotAPerson)
    assert "service sender" in outcome.detail
    assert phone_key(sender) is None


@pytest.mark.parametrize("suffix", ["@lid", ":12@lid", "@LID", "@hosted.lid"])
def test_case_18_a_lid_is_never_a_phone_number(suffix: str) -> None:
    sender = f"142902286143727{suffix}"
    assert identity_key("whatsapp", "wa-1", sender) == "lid:142902286143727"
    assert lid_key(sender) == "lid:142902286143727"
    assert phone_key(sender) is None


def test_case_18_a_lid_that_lost_its_suffix_is_no_number_either() -> None:
    assert phone_key("142902286143727") is None
    assert isinstance(identity_key("whatsapp", "wa-1", "142902286143727"), NotAPerson)


def test_case_19_a_bsuid_is_scoped_by_its_business_portfolio() -> None:
    sender = "BR.1502576394655843"
    key = identity_key("whatsapp", "wa-1", sender, "portfolio-9")
    assert key == "bsuid:portfolio-9:BR.1502576394655843" == bsuid_key("portfolio-9", sender)
    assert identity_key("whatsapp", "wa-2", sender, "portfolio-9") == key
    assert identity_key("whatsapp", "wa-2", sender, "portfolio-8") != key
    assert identity_key("whatsapp", "wa-1", sender) == "bsuid:wa-1:BR.1502576394655843"


@pytest.mark.parametrize(
    "sender", ["whatsapp:GB.10000000000000205", "GB.10000000000000205", "US.ENT.13491208655302"]
)
def test_case_19_a_bsuid_is_never_read_as_a_number(sender: str) -> None:
    key = identity_key("whatsapp", "wa-1", sender)
    assert isinstance(key, str)
    assert key.startswith("bsuid:wa-1:")
    assert phone_key(sender) is None


def test_case_25_a_telegram_user_is_their_numeric_id_in_every_channel() -> None:
    assert identity_key("telegram", "bot-1", "4503599627370495") == "telegram:4503599627370495"
    assert identity_key("telegram", "bot-2", "4503599627370495") == "telegram:4503599627370495"
    assert telegram_key("4503599627370495") == "telegram:4503599627370495"


def test_case_25_a_username_is_no_identity() -> None:
    assert isinstance(identity_key("telegram", "bot-1", "@maria"), NotAPerson)
    assert telegram_key("@maria") is None


@pytest.mark.parametrize("user_id", ["777000", "1087968824", "136817688", "1271266957"])
def test_case_27_telegrams_own_accounts_are_nobody(user_id: str) -> None:
    assert isinstance(identity_key("telegram", "bot-1", user_id), NotAPerson)
    assert telegram_key(user_id) is None


@pytest.mark.parametrize(
    ("channel_type", "chat"),
    [
        ("telegram", "-1001234567890"),
        ("telegram", "-42"),
        ("whatsapp", "120363043968066561@g.us"),
        ("whatsapp", "5511999998888-1400000000@g.us"),
        ("whatsapp", "120363019502650977-group"),
        ("whatsapp", "status@broadcast"),
        ("whatsapp", "120363144038483540@newsletter"),
    ],
)
def test_case_27_a_chat_of_many_is_nobody(channel_type: str, chat: str) -> None:
    assert isinstance(identity_key(channel_type, "c-1", chat), NotAPerson)


@pytest.mark.parametrize(
    ("displayed", "sender"),
    [
        ("+1 555-123-4567", "15551234567"),
        ("+55 (31) 8888-8888", "5531988888888@s.whatsapp.net"),
        ("whatsapp:+525512345678", "5215512345678"),
    ],
)
def test_case_40_the_businesss_own_number_has_one_key_however_it_is_written(
    displayed: str, sender: str
) -> None:
    assert phone_key(displayed) == identity_key("whatsapp", "wa-1", sender)
