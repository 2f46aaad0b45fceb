"""Hard cases 25 to 27, 29 and 40 as customers: who becomes one, who is nobody, what is theirs.

From canonical messages to what a reader sees; keys by themselves are tested in `test_senders`.
"""

from typing import Any

import pytest

from streams.contracts.messages import Content, Identifier
from streams.contracts.policies import PolicyDocument
from tests.hard_cases.deployment import Deployment
from tests.hard_cases.platforms import (
    GATEWAY,
    OWN_NUMBER,
    TELEGRAM,
    WEB_CHAT,
    WHATSAPP,
    inbound,
    moment,
    notice,
    outbound,
    own_contact,
    sms,
    telegram,
    web_chat,
    whatsapp,
)

NOBODY: list[object] = [{}, {}, {}, {}, {}]


def test_case_25_a_changed_username_is_the_same_person_with_the_newest_username() -> None:
    deployment = Deployment()
    deployment.receive(telegram(5100000201, username="maria"))
    known = deployment.customer()
    deployment.receive(telegram(5100000201, username="maria_new", at=moment(days=1)))
    customer = deployment.customer()
    assert customer.id == known.id
    assert [i.username for i in customer.identities] == ["maria_new"]


def test_case_25_a_username_that_somebody_else_took_over_ties_nobody() -> None:
    deployment = Deployment()
    deployment.receive(telegram(5100000201, username="maria"))
    deployment.receive(telegram(5100000202, username="maria", at=moment(days=9)))
    assert len(deployment.customers()) == 2
    assert deployment.open_suggestions() == []


@pytest.mark.parametrize(
    ("profile", "shown"),
    [
        ({"profile_name": "Maria Silva", "username": "maria"}, "Maria Silva"),
        ({"profile_name": "Maria"}, "Maria"),
        ({"username": "maria"}, "@maria"),
        ({"profile_name": "  ", "username": "maria"}, "@maria"),
        ({}, "4503599627370495"),
    ],
)
def test_case_25_who_gives_no_name_is_called_by_username_then_by_id(
    profile: dict[str, Any], shown: str
) -> None:
    deployment = Deployment()
    deployment.receive(telegram(2**52 - 1, **profile))
    assert deployment.customer().display_name == shown


def test_case_25_a_missing_name_does_not_blank_a_known_one() -> None:
    deployment = Deployment()
    deployment.receive(telegram(5100000201, profile_name="Maria"))
    deployment.receive(telegram(5100000201, at=moment(days=1)))
    assert deployment.customer().display_name == "Maria"


def test_case_26_a_card_of_somebody_else_gives_the_sender_no_phone() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("447700900999", profile_name="Oscar"))
    # The adapter gives the card's number as nobody's: contact.user_id is not from.id.
    deployment.receive(telegram(5100000201, content=Content(type="contact"), at=moment(hours=1)))
    assert deployment.customer_of("5100000201").phones == ()
    assert deployment.open_suggestions() == []


@pytest.mark.parametrize("seen_before", [True, False])
def test_case_26_a_card_that_may_be_anybodys_is_at_most_suggested(seen_before: bool) -> None:
    deployment = Deployment()
    oscar = whatsapp("447700900999", profile_name="Oscar")
    card = telegram(
        5100000201,
        content=Content(type="contact"),
        identifiers=(Identifier(kind="phone", value="+447700900999", rule="self_declared"),),
        at=moment(hours=1),
    )
    for message in (oscar, card) if seen_before else (card, oscar):
        deployment.receive(message)
    assert len(deployment.customers()) == 2
    (suggestion,) = deployment.open_suggestions()
    assert (suggestion.rule, suggestion.level) == ("self_declared", "claimed")
    assert not any(customer.links for customer in deployment.customers())


def test_case_26_the_senders_own_card_ties_their_phone() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp("447700900201", profile_name="Amelia"))
    deployment.receive(
        telegram(5100000201, identifiers=(own_contact("447700900201"),), at=moment(hours=1))
    )
    assert len(deployment.customer().identities) == 2


@pytest.mark.parametrize(
    "sender", ["777000", "1087968824", "136817688", "1271266957", "-1001234567890", "-42"]
)
def test_case_27_telegrams_own_accounts_and_chats_make_nobody(sender: str) -> None:
    deployment = Deployment()
    deployment.receive(telegram(sender, profile_name="Telegram"))
    assert [r.reason for r in deployment.rejections] == ["not_a_person"]
    assert deployment.known() == NOBODY


@pytest.mark.parametrize(
    "chat", ["120363043968066561@g.us", "status@broadcast", "120363144038483540@newsletter"]
)
def test_case_27_whatsapps_chats_of_many_make_nobody_in_either_direction(chat: str) -> None:
    deployment = Deployment()
    deployment.receive(inbound(GATEWAY, chat), outbound(GATEWAY, chat))
    assert [r.reason for r in deployment.rejections] == ["not_a_person", "not_a_person"]
    assert deployment.known() == NOBODY


def test_case_27_who_writes_in_a_group_is_the_participant() -> None:
    deployment = Deployment()
    group = "120363043968066561@g.us"
    for number in ("447700900201", "447700900202"):
        sender = f"{number}:12@s.whatsapp.net"
        deployment.receive(inbound(GATEWAY, sender, conversation_id=group))
    deployment.receive(whatsapp("447700900201", at=moment(hours=1)))
    assert [c.phones for c in deployment.customers()] in (
        [("+447700900201",), ("+447700900202",)],
        [("+447700900202",), ("+447700900201",)],
    )
    # A group is one id for many people, and never one conversation of two customers.
    assert {c.customer_id for c in deployment.conversations()} == {
        c.id for c in deployment.customers()
    }


@pytest.mark.parametrize("content_type", ["widget_opened", "webwidget_triggered", "typing"])
def test_case_29_an_opened_widget_is_nobody_however_often(content_type: str) -> None:
    deployment = Deployment()
    deployment.receive(
        *(web_chat(f"visitor-{n}", content=Content(type=content_type)) for n in range(50)),
        *(notice(WEB_CHAT, f"visitor-{n}", content_type=content_type) for n in range(50)),
    )
    assert deployment.known() == NOBODY
    assert deployment.rejections == []


def test_case_29_a_visitor_is_a_customer_from_their_first_message_on() -> None:
    deployment = Deployment()
    deployment.receive(web_chat("visitor-1", content=Content(type="widget_opened")))
    deployment.receive(web_chat("visitor-1", at=moment(minutes=7), message_id="first"))
    customer = deployment.customer()
    assert customer.created_at == moment(minutes=7)
    assert deployment.history(customer) == {"first"}


def test_case_29_what_the_widget_said_of_a_visitor_is_known_once_they_write() -> None:
    deployment = Deployment()
    deployment.receive(notice(WEB_CHAT, "visitor-1", profile_name="damp-river-42"))
    assert deployment.known() == NOBODY
    deployment.receive(web_chat("visitor-1", at=moment(minutes=7)))
    assert deployment.customer().display_name == "damp-river-42"


@pytest.mark.parametrize(
    "own", ["+1 202-555-0100", "12025550100", "whatsapp:+12025550100", "001 202 555 0100"]
)
@pytest.mark.parametrize("sender", ["12025550100", "+12025550100", "12025550100@s.whatsapp.net"])
def test_case_40_the_businesss_own_number_is_nobody_however_it_is_written(
    own: str, sender: str
) -> None:
    deployment = Deployment(PolicyDocument(own_identities=(own,)))
    deployment.receive(
        whatsapp(sender, to="447700900201"), outbound(WHATSAPP, sender, from_="447700900201")
    )
    assert [r.reason for r in deployment.rejections] == ["not_a_person", "not_a_person"]
    assert deployment.known() == NOBODY


@pytest.mark.parametrize("to", ["+12025550100", "12025550100", "+1 (202) 555-0100"])
def test_case_40_a_number_that_writes_to_itself_is_the_businesss_own(to: str) -> None:
    deployment = Deployment()
    deployment.receive(sms("+12025550100", to=to))
    assert [r.reason for r in deployment.rejections] == ["not_a_person"]
    assert deployment.customers() == []


@pytest.mark.parametrize("sender", ["bot", "agent", "service"])
def test_case_40_whom_the_platform_calls_no_person_is_nobody(sender: str) -> None:
    deployment = Deployment()
    deployment.receive(inbound(TELEGRAM, "7000000001", sender=sender))
    assert [r.reason for r in deployment.rejections] == ["not_a_person"]
    assert deployment.known() == NOBODY


def test_case_40_an_agent_is_named_by_what_they_write_and_becomes_nobody() -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, "447700900201", agent_id="agent-7"))
    assert [c.phones for c in deployment.customers()] == [("+447700900201",)]
    assert {fact.agent_id for fact in deployment.facts().values()} == {"agent-7"}


def test_case_40_the_businesss_own_number_is_no_persons_phone_and_ties_nobody() -> None:
    deployment = Deployment(PolicyDocument(own_identities=(f"+{OWN_NUMBER}",)))
    for visitor in ("visitor-1", "visitor-2"):
        deployment.receive(web_chat(visitor, phone=f"+{OWN_NUMBER}", attested=True))
    assert [c.phones for c in deployment.customers()] == [(), ()]


def test_case_40_a_tenants_blocked_sender_is_nobody() -> None:
    deployment = Deployment(PolicyDocument(blocked_identities=("5100000201", "spam@example.com")))
    deployment.receive(telegram(5100000201), web_chat("Spam@Example.com"))
    assert [r.reason for r in deployment.rejections] == ["not_a_person", "not_a_person"]
    assert deployment.known() == NOBODY
