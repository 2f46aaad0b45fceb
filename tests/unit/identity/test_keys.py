"""Identity keys: which channel identities are one person, and which are nobody."""

import unicodedata
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streams.identity.keys import (
    NotAPerson,
    bsuid_key,
    email_address,
    email_key,
    identity_key,
    is_blocked,
    lid_key,
    phone_key,
    possible_variants,
    reference_key,
    telegram_key,
)

_ANY_TEXT = st.text(alphabet=st.characters(), max_size=60)  # lone surrogates and NUL included
_TYPES = st.sampled_from(
    ["whatsapp", "sms", "voice", "telegram", "webchat", "email", "messenger", "instagram", "viber"]
)


# ------------------------------------------------------------------ every kind has its key


@pytest.mark.parametrize(
    "external_id",
    [
        "5511999998888",
        "+5511999998888",
        "whatsapp:+5511999998888",
        "WhatsApp:+5511999998888",
        "5511999998888@s.whatsapp.net",
        "5511999998888:12@s.whatsapp.net",
        "5511999998888.0:12@s.whatsapp.net",
        "5511999998888_1@S.WhatsApp.net",
        "5511999998888@hosted",
        "5511999998888@c.us",
        "551199998888@c.us",  # the ninth digit is missing
        "005511999998888",
        " +55 (11) 99999-8888 ",
        "tel:+55-11-99999-8888",
        "+55 (0)11 99999-8888",
        "+５５１１９９９９９８８８８",  # noqa: RUF001 - full-width digits are the case
        "+5511999998888;ext=12",
        "+5511999\x00998888\u200b",
    ],
)
def test_one_number_in_any_notation_is_one_key(external_id: str) -> None:
    for channel_type in ("whatsapp", "sms", "rcs", "voice", "WhatsApp"):
        assert identity_key(channel_type, "c-1", external_id) == "phone:+5511999998888"
    assert phone_key(external_id) == "phone:+5511999998888"


@pytest.mark.parametrize(
    ("channel_type", "external_id", "key"),
    [
        ("telegram", "123456789", "telegram:123456789"),
        ("telegram", " 00123456789\n", "telegram:123456789"),
        ("telegram", "4503599627370495", "telegram:4503599627370495"),
        ("telegram", "legacy-user-7", "telegram:c-1:legacy-user-7"),
        ("webchat", "John@Email.com", "email:john@email.com"),
        ("webchat", "visitor-7", "webchat:c-1:visitor-7"),
        ("webchat", "~_+#=.v1", "webchat:c-1:~_+#=.v1"),
        ("webchat", "5511999998888", "webchat:c-1:5511999998888"),
        ("email", "john@email.com", "email:john@email.com"),
        ("messenger", "9876543210", "messenger:c-1:9876543210"),
        ("messenger", "messenger:9876543210", "messenger:c-1:9876543210"),
        ("instagram", "17841400000000000", "instagram:c-1:17841400000000000"),
        ("pigeon-post", "coop 4", "pigeon-post:c-1:coop 4"),
        ("whatsapp", "142902286143727@lid", "lid:142902286143727"),
        ("whatsapp", "142902286143727:12@lid", "lid:142902286143727"),
        ("whatsapp", "142902286143727@hosted.lid", "lid:142902286143727"),
        ("whatsapp", "BR.1502576394655843", "bsuid:c-1:BR.1502576394655843"),
        ("whatsapp", "whatsapp:GB.10000000000000205", "bsuid:c-1:GB.10000000000000205"),
        ("whatsapp", "US.ENT.13491208655302741918", "bsuid:c-1:US.ENT.13491208655302741918"),
    ],
)
def test_every_kind_of_channel_has_its_key(channel_type: str, external_id: str, key: str) -> None:
    assert identity_key(channel_type, "c-1", external_id) == key


@pytest.mark.parametrize(
    ("channel_type", "external_id", "key"),
    [
        ("whatsapp", "BR.1502576394655843", "bsuid:portfolio-9:BR.1502576394655843"),
        ("messenger", "9876543210", "messenger:portfolio-9:9876543210"),
        ("pigeon-post", "coop 4", "pigeon-post:portfolio-9:coop 4"),
    ],
)
def test_channels_of_one_account_share_its_users(
    channel_type: str, external_id: str, key: str
) -> None:
    assert identity_key(channel_type, "c-1", external_id, "portfolio-9") == key
    assert identity_key(channel_type, "c-2", external_id, "portfolio-9") == key


@pytest.mark.parametrize("channel_type", ["whatsapp", "sms", "telegram", "email"])
def test_an_id_the_whole_world_shares_is_not_scoped(channel_type: str) -> None:
    external_id = "john@email.com" if channel_type == "email" else "5511999998888"
    first = identity_key(channel_type, "c-1", external_id, "portfolio-1")
    assert identity_key(channel_type, "c-2", external_id, "portfolio-2") == first


# ------------------------------------------------------------------ nobody


@pytest.mark.parametrize(
    ("channel_type", "external_id", "word"),
    [
        *(
            ("webchat", value, "placeholder")
            for value in (
                *("anonymous", "ANONYMOUS", "null", "0", "[object Object]", "", "  ", "---"),
                *("000", '"undefined"', "-1", "NaN", "'null'", "\"'null'\"", '\\"null\\"'),
                *("\u201cguest\u201d", "null\x00", "\u200bnull\ufeff", "\uff4e\uff55ll"),
                *("Not_Authenticated", "distinct_id", "'  '", "\x00", "\ud800"),
            )
        ),
        ("sms", "AMAZON", "service sender"),
        ("sms", "12345", "short code"),
        ("sms", "55512", "short code"),
        ("sms", "GB.10000000000000205", "service sender"),
        ("sms", "john@email.com", "no phone number"),
        ("voice", "Restricted", "placeholder"),
        ("voice", "+266696687", "ANONYMOUS"),
        ("voice", "client:alice", "not a person's number"),
        ("whatsapp", "0@s.whatsapp.net", "not a person's number"),
        ("whatsapp", "142902286143727", "not a person's number"),
        ("whatsapp", "120363043968066561@g.us", "group"),
        ("whatsapp", "5511999998888-1400000000@g.us", "group"),
        ("whatsapp", "120363019502650977-group", "group"),
        ("whatsapp", "status@broadcast", "status"),
        ("whatsapp", "1400000000@broadcast", "broadcast"),
        ("whatsapp", "120363144038483540@newsletter", "channel"),
        ("whatsapp", "867051314767696@bot", "bot"),
        ("whatsapp", "maria@lid", "no WhatsApp account"),
        ("telegram", "777000", "service"),
        ("telegram", "1087968824", "service"),
        ("telegram", "136817688", "service"),
        ("telegram", "1271266957", "service"),
        ("telegram", "-1001234567890", "group"),
        ("telegram", "4503599627370496", "52 bits"),
        ("telegram", "@maria", "username"),
        ("email", "not an address", "not an e-mail address"),
        ("email", "a@b.com, c@d.com", "not an e-mail address"),
        ("email", "noreply@shop.com", "no-reply"),
        ("webchat", "no-reply@shop.com", "no-reply"),
    ],
)
def test_what_is_nobody_is_never_a_customer_and_the_reason_says_so(
    channel_type: str, external_id: str, word: str
) -> None:
    outcome = identity_key(channel_type, "c-1", external_id)
    assert isinstance(outcome, NotAPerson)
    assert word in outcome.detail
    assert outcome.detail.isprintable()


@pytest.mark.parametrize("value", ["Nan", "None Smith", "identity", "private-7", "00-1", "o"])
def test_a_value_that_only_looks_blocked_is_a_person(value: str) -> None:
    assert not is_blocked(value)
    assert identity_key("webchat", "c-1", value) == f"webchat:c-1:{value}"


# ------------------------------------------------------------------ e-mail


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" John@Email.COM ", "john@email.com"),
        ("mailto:John@email.com?subject=Hi", "john@email.com"),
        ("MAILTO:john%2Bshop@email.com", "john+shop@email.com"),
        ("John Smith <John@Email.com>", "john@email.com"),
        ('"Smith, John" <john@email.com>', "john@email.com"),
        ('"john@email.com" <john@email.com>', "john@email.com"),
        ("<john@email.com>", "john@email.com"),
        ("john@email.com (John)", "john@email.com"),
        ("'john@email.com'", "john@email.com"),
        ("john+shop@email.com", "john+shop@email.com"),
        ("john@email.com.", "john@email.com"),
        ("o'brien@email.com", "o'brien@email.com"),
        ("john@Bücher.example", "john@xn--bcher-kva.example"),
        ("john@XN--BCHER-KVA.example", "john@xn--bcher-kva.example"),
        ("john@stra\u00dfe.de", "john@xn--strae-oqa.de"),
        ("john@пример.рф", "john@xn--e1afmkfd.xn--p1ai"),
        ("ｊｏｈｎ＠ｅｍａｉｌ．ｃｏｍ", "john@email.com"),  # noqa: RUF001
        ("用户@例え。jp", "用户@xn--r8jz45g.jp"),
        ("12345+john@users.noreply.github.com", "12345+john@users.noreply.github.com"),
    ],
)
def test_one_address_in_any_notation_is_one_address(text: str, address: str) -> None:
    assert email_address(text) == address
    assert email_key(text) == f"email:{address}"


@pytest.mark.parametrize(
    "text",
    [
        *("", "@", "john", "john@", "@email.com", "john@localhost", "john@127.0.0.1", "a@b@"),
        *("john@[127.0.0.1]", "jo hn@email.com", "john@ema il.com", "john@-email.com"),
        *("john@email..com", "john@email.c", "a@b.com;c@d.com", "a@b.com, C <c@d.com>"),
        *("A <a@b.com>, C <c@d.com>", "jo\x00hn@email.com", "jo\ud800hn@email.com"),
        *("john@ema\u200bil.com", f"{'a' * 65}@email.com", f"john@{'a' * 64}.com"),
    ],
)
def test_what_is_no_single_address_is_none(text: str) -> None:
    assert email_address(text) is None


@pytest.mark.parametrize(
    "address",
    [
        *("noreply@x.com", "No-Reply@x.com", "no_reply@x.com", "donotreply@x.com"),
        *("do-not-reply@x.com", "noreply+abc@x.com", "amazon.noreply@x.com", "noreply-de@x.com"),
        *("no-reply2@x.com", "MAILER-DAEMON@x.com", "postmaster@x.com", "bounce@x.com"),
        *("bounces+1234-abc=y.com@x.com", "bounce-77_HTML-12@x.com", "dev-null@x.com"),
    ],
)
def test_a_mail_system_is_nobody(address: str) -> None:
    assert email_key(address) is None
    assert isinstance(identity_key("email", "c-1", address), NotAPerson)


@pytest.mark.parametrize(
    "address",
    [
        *("john+noreply@x.com", "noreen@x.com", "bouncer@x.com", "bounce-house@x.com"),
        *("postmaster-general@x.com", "replyto@x.com", "info@x.com"),
    ],
)
def test_an_address_that_only_looks_like_a_mail_system_is_a_person(address: str) -> None:
    assert email_key(address) == f"email:{address}"


# ------------------------------------------------------------------ further ids


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (phone_key("+1 (555) 123-4567"), "phone:+15551234567"),
        (phone_key("5511999998888@c.us"), "phone:+5511999998888"),
        (phone_key("142902286143727@lid"), None),
        (phone_key("GB.10000000000000205"), None),
        (phone_key(""), None),
        (reference_key(" customer-42 "), "reference:customer-42"),
        (reference_key("a:b"), "reference:a:b"),
        (reference_key("undefined"), None),
        (reference_key("  "), None),
        (bsuid_key("p-1", "US.13491208655302741918"), "bsuid:p-1:US.13491208655302741918"),
        (bsuid_key("p-1", "us.ent.134912"), "bsuid:p-1:US.ENT.134912"),
        (bsuid_key("p-1", "US.abC1"), "bsuid:p-1:US.abC1"),
        (bsuid_key("p-1", "5511999998888"), None),
        (bsuid_key("p-1", "US." + "1" * 129), None),
        (bsuid_key("", "US.134912"), None),
        (lid_key("142902286143727@lid"), "lid:142902286143727"),
        (lid_key("142902286143727:12@lid"), "lid:142902286143727"),
        (lid_key("142902286143727"), "lid:142902286143727"),
        (lid_key("5511999998888@s.whatsapp.net"), None),
        (lid_key("0@lid"), None),
        (telegram_key("123456789"), "telegram:123456789"),
        (telegram_key("0"), None),
        (telegram_key("-100123"), None),
        (telegram_key("777000"), None),
        (telegram_key("maria"), None),
        (telegram_key("١٢٣"), None),
        (telegram_key("4503599627370496"), None),
    ],
)
def test_a_further_id_has_the_key_its_own_messages_have(
    key: str | None, expected: str | None
) -> None:
    assert key == expected


def test_only_numbers_have_variants() -> None:
    assert possible_variants("phone:+551177654321", "sms") == ("phone:+5511977654321",)
    assert possible_variants("phone:+541123456789", "whatsapp") == ("phone:+5491123456789",)
    assert possible_variants("phone:+541123456789", "sms") == ()
    assert possible_variants("email:john@email.com", "email") == ()
    assert possible_variants("lid:541123456789", "whatsapp") == ()
    assert possible_variants("", "") == ()


# ------------------------------------------------------------------ properties


def _is_clean(key: str) -> bool:
    key.encode()  # no lone surrogate
    return not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in key)


@given(_TYPES, _ANY_TEXT, _ANY_TEXT, _ANY_TEXT)
def test_any_text_has_a_clean_and_bounded_key_or_is_nobody(
    channel_type: str, channel_id: str, external_id: str, account: str
) -> None:
    outcome = identity_key(channel_type, channel_id, external_id, account)
    if isinstance(outcome, NotAPerson):
        assert outcome.detail
        outcome.detail.encode()
    else:
        assert _is_clean(outcome)
        assert len(outcome) < 2_000
        possible_variants(outcome, channel_type)


@given(_ANY_TEXT, _ANY_TEXT)
def test_every_further_id_is_total_and_clean(account: str, value: str) -> None:
    keys = (
        *(email_key(value), phone_key(value), reference_key(value), lid_key(value)),
        *(telegram_key(value), bsuid_key(account, value)),
    )
    assert all(key is None or _is_clean(key) for key in keys)


@pytest.mark.parametrize("character", ["\x00", "\ud800", "\u202e", "\u2028", "\u200b", "%"])
def test_an_endless_id_gives_a_bounded_key_of_its_own(character: str) -> None:
    one, other = (identity_key("webchat", "c-1", "v" + character * 510 + end) for end in "ab")
    assert isinstance(one, str)
    assert isinstance(other, str)
    assert one != other
    assert max(len(one), len(other)) < 600


def test_ids_that_differ_in_what_a_key_cannot_hold_stay_two() -> None:
    ids = ["a b", "a\x00b", "ab", "a\u200bb", "a%b", "a%0;b", "a\u00a0b", "a\ud800b", "A b", '"ab"']
    keys = [identity_key("webchat", "c-1", value) for value in ids]
    assert all(isinstance(key, str) for key in keys)
    assert all(one != other for one, other in combinations(keys, 2))


@given(*[st.tuples(st.text(":%ab ", min_size=1), st.text(":%ab ", min_size=1))] * 2)
def test_a_separator_inside_an_id_never_moves_it_to_another_scope(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    def shown(pair: tuple[str, str]) -> tuple[str, str]:
        return pair[0].strip(), pair[1].strip()

    assume(shown(one) != shown(other))
    assume(not is_blocked(one[1]) and not is_blocked(other[1]))
    assert identity_key("viber", *one) != identity_key("viber", *other)


@pytest.mark.parametrize(
    ("channel_type", "channel_id", "external_id", "key"),
    [
        ("bsuid", "p-1", "US.1", bsuid_key("p-1", "US.1")),
        ("reference", "a", "b", reference_key("a:b")),
        ("lid", "c-1", "142902286143727", lid_key("142902286143727")),
        ("viber:x", "c", "1", identity_key("viber", "x:c", "1")),
    ],
)
def test_no_channel_type_imitates_another_kind_of_key(
    channel_type: str, channel_id: str, external_id: str, key: str | NotAPerson | None
) -> None:
    assert identity_key(channel_type, channel_id, external_id) != key


@pytest.mark.parametrize("channel_type", ["messenger", "instagram"])
def test_an_id_of_digits_has_no_white_space_in_its_key(channel_type: str) -> None:
    key = identity_key(channel_type, "c-1", "98 76")
    assert isinstance(key, str)
    assert " " not in key
    assert key != identity_key(channel_type, "c-1", "9876")
