"""Hard cases 36, 41 and 42: bursts, receipts, and people who never answer.

From canonical messages to the customers and conversations that a reader sees.
"""

import random
from itertools import permutations

import pytest

from streams.contracts.messages import Content
from tests.hard_cases.deployment import Deployment
from tests.hard_cases.platforms import (
    TELEGRAM,
    WHATSAPP,
    moment,
    notice,
    outbound,
    own_contact,
    status,
    telegram,
    whatsapp,
)

ANA = "5511999998888"
RECEIPTS = ("sent", "delivered", "read", "failed", "status", "receipt")


def test_case_36_an_album_of_a_new_sender_is_one_customer_and_one_conversation() -> None:
    album = [
        telegram(
            5100000201,
            at=moment(seconds=n * 0.05),
            timestamp=moment(seconds=n * 0.05).isoformat(),
            content=Content(type="image"),
            message_id=f"image-{n}",
        )
        for n in range(4)
    ]
    for order in permutations(album):
        deployment = Deployment()
        deployment.receive(*order)
        customer = deployment.customer()
        assert customer.created_at == moment()
        (conversation,) = deployment.conversations()
        assert (conversation.customer_id, conversation.started_at) == (customer.id, moment())
        assert deployment.history(customer) == {f"image-{n}" for n in range(4)}
        (created,) = deployment.events("customer.created")
        assert created.customer_id == customer.id


def test_case_36_an_album_that_platforms_time_to_the_second_is_one_conversation_too() -> None:
    for seed in range(30):
        rng = random.Random(seed)
        deployment = Deployment(rng=rng)
        album = [telegram(5100000201, message_id=f"image-{n}") for n in range(4)]
        rng.shuffle(album)
        for image in album:
            deployment.receive(image)
        (conversation,) = deployment.conversations()
        facts = deployment.facts().values()
        assert len(facts) == 4
        assert {c.id for c in deployment.customers()} == {conversation.customer_id}
        assert len(deployment.events("customer.created")) == 1


@pytest.mark.parametrize("word", RECEIPTS)
def test_case_41_a_receipt_makes_nobody(word: str) -> None:
    deployment = Deployment()
    deployment.receive(status(WHATSAPP, ANA, word), notice(WHATSAPP, ANA, content_type=word))
    assert deployment.known() == [{}, {}, {}, {}, {}]
    assert deployment.rejections == []


@pytest.mark.parametrize("word", RECEIPTS)
def test_case_41_a_receipt_is_no_interaction_of_a_known_customer(word: str) -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, ANA))
    known = deployment.known()
    deployment.receive(
        status(WHATSAPP, ANA, word, at=moment(days=3)),
        notice(WHATSAPP, ANA, content_type=word, at=moment(days=3)),
    )
    assert deployment.known() == known
    assert deployment.customer().status == "contacted"


def test_case_41_typing_is_no_interaction_either() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA))
    known = deployment.known()
    deployment.receive(whatsapp(ANA, content=Content(type="typing"), at=moment(days=3)))
    assert deployment.known() == known


def test_case_41_a_reaction_is_the_persons_own_and_makes_them_active() -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, ANA))
    deployment.receive(
        whatsapp(
            ANA,
            content=Content(type="reaction", text="😮"),
            at=moment(hours=1),
            message_id="reaction",
        )
    )
    customer = deployment.customer()
    assert (customer.status, customer.metadata.last_seen_at) == ("active", moment(hours=1))
    assert deployment.fact("reaction").content_type == "reaction"
    assert len(deployment.conversations()) == 1


def test_case_42_whom_we_wrote_to_and_who_never_answers_is_contacted_and_not_active() -> None:
    deployment = Deployment()
    for days in range(3):
        deployment.receive(outbound(WHATSAPP, ANA, at=moment(days=2 * days)))
    customer = deployment.customer()
    assert customer.status == "contacted"
    assert [i.last_inbound_at for i in customer.identities] == [None]
    assert deployment.events("customer.activated") == []
    assert {c.opened_by for c in deployment.conversations()} == {"outbound"}
    assert {fact.direction for fact in deployment.facts().values()} == {"outbound"}


def test_case_42_the_first_answer_activates_once_and_in_the_same_conversation() -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, ANA))
    contacted = deployment.customer()
    deployment.receive(whatsapp(ANA, at=moment(minutes=9)), whatsapp(ANA, at=moment(minutes=10)))
    customer = deployment.customer()
    assert (customer.id, customer.status) == (contacted.id, "active")
    assert customer.created_at == contacted.created_at
    (activated,) = deployment.events("customer.activated")
    assert activated.occurred_at == moment(minutes=9)
    assert len(deployment.conversations()) == 1


def test_case_42_what_we_wrote_does_not_make_an_active_customer_contacted_again() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA))
    deployment.receive(outbound(WHATSAPP, ANA, at=moment(days=90)))
    customer = deployment.customer()
    assert customer.status == "active"
    assert customer.identities[0].last_inbound_at == moment()


def test_case_42_contacted_on_one_channel_and_active_on_another_is_active_once_they_are_one() -> (
    None
):
    deployment = Deployment()
    deployment.receive(outbound(TELEGRAM, "5100000201"), whatsapp(ANA, at=moment(hours=1)))
    assert [c.status for c in deployment.customers()] == ["contacted", "active"]
    deployment.receive(notice(TELEGRAM, "5100000201", own_contact(f"+{ANA}"), at=moment(hours=2)))
    assert deployment.customer().status == "active"
