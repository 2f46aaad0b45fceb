"""Identity keys: which channel identities are one person, and which are nobody."""

import pytest

from streams.identity.keys import NotAPerson, identity_key


@pytest.mark.parametrize(
    "external_id",
    [
        "5511999998888",
        "+5511999998888",
        "whatsapp:+5511999998888",
        "5511999998888@s.whatsapp.net",
        "5511999998888@c.us",
        "005511999998888",
        " +55 (11) 99999-8888 ",
        "tel:+55-11-99999-8888",
        "+55 (0)11 99999-8888",
        "+５５１１９９９９９８８８８",  # noqa: RUF001 - full-width digits are the case
        "+5511999998888;ext=12",
    ],
)
def test_one_number_in_any_notation_is_one_key(external_id: str) -> None:
    assert identity_key("whatsapp", "wa-1", external_id) == "phone:+5511999998888"
    assert identity_key("sms", "sms-1", external_id) == "phone:+5511999998888"


@pytest.mark.parametrize(
    ("channel_type", "external_id", "key"),
    [
        ("telegram", "123456789", "telegram:123456789"),
        ("webchat", "John@Email.com", "email:john@email.com"),
        ("email", "john@email.com", "email:john@email.com"),
        ("webchat", "visitor-7", "webchat:c-1:visitor-7"),
        ("messenger", "9876543210", "messenger:c-1:9876543210"),
        ("pigeon-post", "coop 4", "pigeon-post:c-1:coop 4"),
        ("whatsapp", "142902286143727@lid", "lid:142902286143727"),
        ("whatsapp", "BR.1502576394655843", "bsuid:c-1:BR.1502576394655843"),
    ],
)
def test_every_kind_of_channel_has_its_key(channel_type: str, external_id: str, key: str) -> None:
    assert identity_key(channel_type, "c-1", external_id) == key


@pytest.mark.parametrize(
    ("channel_type", "external_id"),
    [
        *(
            ("webchat", value)
            for value in ("anonymous", "ANONYMOUS", "null", "0", "[object Object]")
        ),
        *(("webchat", value) for value in ("", "  ", "---", "000", '"undefined"', "-1", "NaN")),
        ("sms", "AMAZON"),
        ("sms", "12345"),
        ("whatsapp", "120363043968066561@g.us"),
        ("whatsapp", "status@broadcast"),
        ("telegram", "777000"),
        ("telegram", "-1001234567890"),
        ("email", "not an address"),
    ],
)
def test_what_is_nobody_is_never_a_customer(channel_type: str, external_id: str) -> None:
    assert isinstance(identity_key(channel_type, "c-1", external_id), NotAPerson)
