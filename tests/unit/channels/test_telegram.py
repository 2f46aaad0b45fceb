"""Telegram's updates in detail, and whatever else may come in their place. Nothing is a fake."""

import json
from typing import Any

import pytest

from streams.channels.delivery import Delivery
from streams.channels.reading import Reading
from streams.channels.telegram import read
from tests.hard_cases.deployment import Deployment
from tests.unit.channels.samples import RECEIVED_AT_MS, SamplesOf

SAMPLES = SamplesOf("telegram")
reading, only, noticed = SAMPLES.reading, SAMPLES.only, SAMPLES.noticed


def delivered(body: bytes) -> Reading:
    return read(Delivery("acme", "bot-1", body, RECEIVED_AT_MS))


def test_a_private_message_is_its_users() -> None:
    message = only("text_private")
    assert (message.from_, message.message_id, message.to) == (
        "5100000201",
        "5100000201:11",
        "telegram-1",
    )
    assert (message.context.profile_name, message.context.username) == (
        "Amelia Hart",
        "amelia_hart",
    )
    assert (message.timestamp, message.content.text) == (1788220810, "Hi there")


@pytest.mark.parametrize("name", ["contact_own", "contact_own_plus"])
def test_a_phone_is_theirs_only_if_the_card_is_their_own(name: str) -> None:
    (identifier,) = only(name).context.identifiers
    assert (identifier.kind, identifier.rule) == ("phone", "contact_shared")
    assert identifier.value.startswith("+")
    for other in ("contact_other_person", "contact_without_user_id"):
        assert only(other).context.identifiers == ()


def test_the_phone_that_was_shared_and_the_account_are_one_customer() -> None:
    deployment = Deployment()
    for name in ("text_private", "contact_own", "contact_own_plus"):
        deployment.receive_at(RECEIVED_AT_MS, *reading(name).messages)
    customer = deployment.customer()
    assert len(customer.phones) == 1
    assert len(customer.identities) == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("edited_message", "edited"),
        ("channel_post", "crowd"),
        ("group_text", "crowd"),
        ("message_from_other_bot", "crowd"),
        ("message_reaction", "reaction"),
        ("my_chat_member_blocked", "reachability"),
        ("my_chat_member_added_to_group", "crowd"),
        ("business_connection", "account"),
        ("future_update_type", "unknown"),
    ],
)
def test_what_is_no_contact_is_kept_under_its_name(name: str, kind: str) -> None:
    assert reading(name).messages == ()
    assert noticed(name).kind == kind


def test_an_edit_names_the_message_it_changes() -> None:
    assert noticed("edited_message").message_id == only("text_private").message_id
    assert noticed("edited_message").text


def test_who_writes_in_a_business_chat_beside_the_customer_is_the_business() -> None:
    def update(sender: int, **more: Any) -> bytes:
        message = {
            "business_connection_id": "b1",
            "message_id": 3,
            "from": {"id": sender, "is_bot": False, "first_name": "X"},
            "chat": {"id": 5100000201, "type": "private"},
            "date": 1788220810,
            "text": "hi",
            **more,
        }
        return json.dumps({"update_id": 1, "business_message": message}).encode()

    (theirs,) = delivered(update(5100000201)).messages
    (owners,) = delivered(update(42)).messages
    (bots,) = delivered(update(5100000201, sender_business_bot={"id": 7})).messages
    assert (theirs.direction, theirs.from_) == ("inbound", "5100000201")
    for ours in (owners, bots):
        assert (ours.direction, ours.to) == ("outbound", "5100000201")
        assert ours.context.profile_name is None
    assert theirs.message_id == "b1:5100000201:3"


def test_a_pressed_button_is_the_word_of_who_pressed_it() -> None:
    query = {
        "id": "77",
        "from": {"id": 5100000201, "is_bot": False, "first_name": "Amelia"},
        "message": {"message_id": 5, "date": 0, "chat": {"id": 1, "type": "private"}},
        "data": "yes",
    }
    (message,) = delivered(json.dumps({"update_id": 2, "callback_query": query}).encode()).messages
    assert (message.from_, message.content.text, message.timestamp) == (
        "5100000201",
        "yes",
        RECEIVED_AT_MS,
    )


def test_a_batch_says_what_its_updates_say_one_by_one() -> None:
    batch = json.loads(SAMPLES.sample("getupdates_batch").body())
    one_by_one = [delivered(json.dumps(update).encode()) for update in batch["result"]]
    together = delivered(json.dumps(batch).encode())
    assert together.messages == tuple(m for r in one_by_one for m in r.messages)
    assert together.notices == tuple(n for r in one_by_one for n in r.notices)
