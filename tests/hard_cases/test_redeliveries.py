"""Hard cases 32 and 33: platforms that deliver a message again, for days, perhaps changed.

From canonical messages to what a reader sees, who knows a message by (tenant, channel, message
id). What a redelivery can still change is the decision record's on redeliveries.
"""

import random
from itertools import permutations

from streams.contracts.messages import Content, Message
from tests.hard_cases.deployment import Deployment, without_history
from tests.hard_cases.platforms import email, moment, telegram, whatsapp

ANA = "5511999998888"
WAMID = "wamid.HBgMNDQ3NzAwOTAwMjAxFQIAEhgUM0EwMDAwMDAwMDAwMDAwMEEwMTgA"


def test_case_32_a_message_that_is_delivered_for_a_week_changes_nothing_after_the_first() -> None:
    deployment = Deployment()
    message = whatsapp(ANA, profile_name="Ana", message_id=WAMID)
    deployment.receive(message)
    first = deployment.known()
    for hours in (0.01, 1, 36, 7 * 24):
        deployment.receive(message, received_at=moment(hours=hours))
    assert deployment.known() == first
    assert len(deployment.conversations()) == 1
    # The stream may repeat a fact, under its one key.
    facts = deployment.world.told_facts
    assert {(f.tenant_id, f.channel_id, f.message_id) for f in facts} == {("acme", "wa-1", WAMID)}
    assert len({f.conversation_id for f in facts}) == 1


def test_case_32_one_message_twice_in_a_batch_is_one() -> None:
    twice, once = Deployment(), Deployment()
    message = whatsapp(ANA, message_id=WAMID)
    twice.receive(message, message)
    once.receive(message)
    assert len(twice.facts()) == 1
    assert [without_history(c) for c in twice.customers()] == [
        without_history(c) for c in once.customers()
    ]
    assert twice.events("customer.created") == once.events("customer.created")


def test_case_32_a_telegram_update_that_comes_again_after_others_moves_nothing_back() -> None:
    deployment = Deployment()
    first = telegram(5100000201, profile_name="Ana", message_id="5100000201:41")
    deployment.receive(first)
    deployment.receive(telegram(5100000201, profile_name="Ana Lima", at=moment(hours=3)))
    known = deployment.known()
    deployment.receive(first, received_at=moment(hours=20))
    assert deployment.known() == known


def test_case_32_the_same_id_in_two_channels_is_two_messages() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, message_id="1"), telegram(5100000201, message_id="1"))
    assert {key[1:] for key in deployment.facts()} == {("wa-1", "1"), ("bot-1", "1")}


def test_case_32_redeliveries_among_crashes_and_replays_leave_each_message_once() -> None:
    messages = [
        *(whatsapp(ANA, message_id=f"w{n}", at=moment(hours=n)) for n in range(5)),
        *(telegram(5100000201, message_id=f"t{n}", at=moment(hours=n)) for n in range(5)),
    ]
    once = Deployment()
    once.receive(*messages)
    expected = [without_history(c) for c in once.customers()]
    for seed in range(20):
        rng = random.Random(seed)
        deployment = Deployment(rng=rng)
        redelivered = messages * 3
        rng.shuffle(redelivered)
        deployment.receive(*redelivered)
        deployment.replay()
        assert [without_history(c) for c in deployment.customers()] == expected
        assert {key[2] for key in deployment.facts()} == {m.message_id for m in messages}
        assert len(deployment.conversations()) == 2


def test_case_32_without_a_time_of_its_own_a_redelivered_message_still_counts_once() -> None:
    # A bound, as decided in docs/adr: it is seen again at another time, but it is no other message.
    deployment = Deployment()
    message = whatsapp(ANA, timestamp=0, message_id=WAMID)
    deployment.receive(message, received_at=moment())
    known = deployment.customer()
    deployment.receive(message, received_at=moment(days=6))
    customer = deployment.customer()
    assert (customer.id, customer.created_at) == (known.id, moment())
    assert deployment.fact(WAMID).sent_at == moment()
    assert len(deployment.facts()) == len(deployment.events("customer.created")) == 1


def first_and_changed() -> tuple[Message, Message]:
    """Return a message, and its redelivery after the person had changed their profile."""
    return (
        whatsapp(ANA, profile_name="Ana", username="ana", message_id=WAMID),
        whatsapp(ANA, profile_name="Zoe", username="zoe", message_id=WAMID),
    )


def test_case_33_a_redelivery_with_a_changed_profile_is_ignored() -> None:
    deployment = Deployment()
    first, changed = first_and_changed()
    deployment.receive(first)
    known = deployment.known()
    deployment.receive(changed, received_at=moment(hours=5))
    assert deployment.known() == known


def test_case_33_the_delivery_that_the_broker_had_first_stands_even_if_processed_last() -> None:
    deployment = Deployment()
    first, changed = first_and_changed()
    deployment.receive(changed, received_at=moment(hours=5))
    deployment.receive(first)
    customer = deployment.customer()
    assert (customer.display_name, customer.identities[0].username) == ("Ana", "ana")


def test_case_33_in_either_order_of_processing_the_customer_is_the_same() -> None:
    outcomes = []
    for order in permutations(zip(first_and_changed(), (0, 5), strict=True)):
        deployment = Deployment()
        for message, hours in order:
            deployment.receive(message, received_at=moment(hours=hours))
        outcomes.append(without_history(deployment.customer()))
    assert outcomes[0] == outcomes[1]


def test_case_33_a_changed_redelivery_never_counts_twice_nor_looks_like_a_new_contact() -> None:
    deployment = Deployment()
    first, changed = first_and_changed()
    deployment.receive(first)
    known = deployment.customer()
    deployment.receive(changed, received_at=moment(days=6))
    customer = deployment.customer()
    assert (customer.id, customer.created_at) == (known.id, known.created_at)
    assert customer.metadata.last_seen_at == known.metadata.last_seen_at
    assert len(deployment.facts()) == len(deployment.conversations()) == 1
    assert [e.type for e in deployment.world.events.values()] == ["customer.created"]


def test_case_33_a_newer_messages_profile_stands_against_any_redelivery_of_an_older_one() -> None:
    deployment = Deployment()
    first, changed = first_and_changed()
    deployment.receive(first)
    deployment.receive(whatsapp(ANA, profile_name="Ana Lima", at=moment(seconds=1)))
    deployment.receive(changed, received_at=moment(days=6))
    assert deployment.customer().display_name == "Ana Lima"


def test_case_33_a_redelivered_text_does_not_replace_what_was_read() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, message_id=WAMID, content=Content(text="see you at ten")))
    deployment.receive(
        whatsapp(ANA, message_id=WAMID, content=Content(text="see you at two")),
        received_at=moment(hours=1),
    )
    assert deployment.fact(WAMID).text == "see you at ten"


def test_case_33_what_a_redelivery_newly_proves_of_the_person_is_taken_in() -> None:
    # A bound, as decided in docs/adr: evidence gathers, and it was true of the message's sender.
    deployment = Deployment()
    deployment.receive(email("ana@example.com"), whatsapp(ANA, message_id=WAMID))
    deployment.receive(
        whatsapp(ANA, message_id=WAMID, email="ana@example.com", attested=True),
        received_at=moment(days=1),
    )
    assert len(deployment.customer().identities) == 2
    assert len(deployment.facts()) == 2
