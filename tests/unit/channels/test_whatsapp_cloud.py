"""WhatsApp's Cloud API in detail: who wrote, whose ids are one account, and what is no message."""

import json
from typing import Any

import pytest

from streams.channels.delivery import Delivery
from streams.channels.reading import Reading
from streams.channels.whatsapp_cloud import read
from streams.contracts.messages import Identifier
from tests.hard_cases.deployment import Deployment
from tests.unit.channels.samples import RECEIVED_AT_MS, SamplesOf

SAMPLES = SamplesOf("whatsapp")
reading, only, noticed = SAMPLES.reading, SAMPLES.only, SAMPLES.noticed


def change(value: dict[str, Any], field: str = "messages") -> Reading:
    """Return what one change says."""
    entry = {"id": "200000000000001", "changes": [{"field": field, "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    return read(Delivery("acme", "wa-1", body, RECEIVED_AT_MS))


def after(*names: str) -> Deployment:
    """Return what readers know after these samples, one after the other."""
    deployment = Deployment()
    for name in names:
        deployment.receive_at(RECEIVED_AT_MS, *reading(name).messages)
    return deployment


def test_a_message_is_its_numbers_and_names_the_account_s_user_id() -> None:
    message = only("image_caption_with_url")
    assert (message.from_, message.to) == ("12025550161", "whatsapp-1")
    assert message.channel.account == "200000000000001"
    assert message.context.profile_name == "Jordan Blake"
    assert message.context.identifiers == (
        Identifier(kind="bsuid", value="US.10000000000000161", rule="same_account"),
    )
    assert (message.content.type, message.content.text) == ("image", "Broken on arrival")
    assert message.timestamp == "1788220900"
    assert "lookaside" not in str(message)


def test_contacts_are_found_by_their_ids_and_not_by_their_place() -> None:
    names = {
        m.from_: m.context.profile_name for m in reading("batch_contacts_order_reversed").messages
    }
    assert names == {"447700900201": "Amelia Hart", "12025550161": "Jordan Blake"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("button_quick_reply", "Stop promotions"),
        ("interactive_button_reply", "Yes, confirm"),
        ("reaction_add", "😮"),
        ("document_unicode_filename", "Contrato"),
    ],
)
def test_what_was_picked_or_captioned_is_the_text(name: str, text: str) -> None:
    assert only(name).content.text == text


def test_a_hidden_number_leaves_the_user_id_and_the_username_for_display() -> None:
    message = only("text_bsuid_only_username")
    assert (message.from_, message.context.username) == ("GB.10000000000000205", "noor.q")


def test_a_number_that_shows_itself_later_is_the_same_customer() -> None:
    customer = after("text_bsuid_only_username", "text_bsuid_then_phone_revealed").customer()
    assert customer.phones == ("+447700900205",)


def test_an_own_number_sent_when_asked_for_is_the_senders_and_other_cards_are_not() -> None:
    customer = after("text_bsuid_only_username", "contacts_request_reply_own_number").customer()
    assert customer.phones == ("+447700900205",)
    card = {"origin": "other", "contacts": [{"phones": [{"phone": "+447700900999"}]}]}
    message = {
        "from": "12025550161",
        "id": "wamid.X",
        "timestamp": "1788220960",
        "type": "contacts",
    }
    (said,) = change({"messages": [message | card]}).messages
    assert said.context.identifiers == ()


@pytest.mark.parametrize(
    "card", [{"vcard": "TEL;waid=447700900205:x"}, {"phones": [{"wa_id": "447700900205"}]}]
)
def test_an_own_number_is_read_at_either_place(card: dict[str, Any]) -> None:
    message = {
        "from_user_id": "GB.1",
        "id": "wamid.X",
        "timestamp": "1788220960",
        "type": "contacts",
    }
    shared = message | {"contacts": [card | {"origin": "contact_request"}]}
    (said,) = change({"messages": [shared]}).messages
    assert Identifier(kind="phone", value="+447700900205", rule="contact_shared") in (
        said.context.identifiers
    )


def test_a_changed_number_keeps_the_customer_under_both_and_makes_nobody_new() -> None:
    deployment = after("button_quick_reply", "system_user_changed_number")
    keys = {link.other_identity_key for link in deployment.customer().links}
    assert "phone:+447700900301" in keys | {k.identity_key for k in deployment.customer().links}
    moved = {"from": "447700900301", "id": "wamid.NEW", "timestamp": "1788224000", "type": "text"}
    deployment.receive_at(RECEIVED_AT_MS, *change({"messages": [moved]}).messages)
    assert {i.external_id for i in deployment.customer().identities} == {
        "447700900201",
        "447700900301",
    }
    assert not after("system_user_changed_number").customers()


def test_a_changed_user_id_needs_no_number() -> None:
    deployment = after("text_bsuid_only_username", "system_user_changed_user_id")
    again = {"from_user_id": "GB.10000000000000405", "id": "wamid.N", "timestamp": "1788224000"}
    deployment.receive_at(
        RECEIVED_AT_MS, *change({"messages": [again | {"type": "text"}]}).messages
    )
    assert len(deployment.customer().identities) == 2


def test_ways_to_write_one_number_are_one_customer() -> None:
    after("brazil_13_digits_with_9", "brazil_12_digits_without_9").customer()
    (known,) = reading("mexico_52").messages
    longer = {"from": f"521{known.from_[2:]}", "id": "wamid.M", "timestamp": "1788221000"}
    deployment = after("mexico_52")
    deployment.receive_at(
        RECEIVED_AT_MS, *change({"messages": [longer | {"type": "text"}]}).messages
    )
    assert {i.external_id for i in deployment.customer().identities} == {
        known.from_,
        longer["from"],
    }


def test_an_echo_contacts_the_person_and_never_the_business() -> None:
    message = only("smb_echo_text")
    assert (message.direction, message.to, message.from_) == (
        "outbound",
        "447700900201",
        "whatsapp-1",
    )
    assert only("smb_echo_bsuid_only").to == "GB.10000000000000205"


@pytest.mark.parametrize(
    ("name", "kind", "detail"),
    [
        ("status_sent", "status", "sent"),
        ("revoke", "deleted", None),
        ("smb_echo_revoke", "deleted", None),
        ("field_account_update", "account", "PARTNER_REMOVED"),
        ("user_preferences_stop", "reachability", "stop"),
        ("history_declined", "backlog", "History sync not shared"),
        ("system_customer_identity_changed", "profile", None),
    ],
)
def test_what_is_no_message_is_noted_by_its_kind(name: str, kind: str, detail: str | None) -> None:
    notice = noticed(name)
    assert (notice.kind, notice.detail) == (kind, detail)


def test_a_revocation_names_the_message_that_must_go() -> None:
    assert (
        noticed("revoke").message_id
        == "wamid.HBgLMTIwMjU1NTAxNjEVAgASGBQzQTAwMDAwMDAwMDAwMDAwQTAxRAA="
    )


def test_an_edit_has_the_new_text_of_the_old_message() -> None:
    edit = {
        "from": "12025550161",
        "id": "wamid.E",
        "timestamp": "1788221200",
        "type": "edit",
        "edit": {"original_message_id": "wamid.O", "message": {"text": {"body": "mended"}}},
    }
    (notice,) = change({"messages": [edit]}).notices
    assert (notice.kind, notice.message_id, notice.text) == ("edited", "wamid.O", "mended")


def test_the_past_is_noted_message_by_message_and_counts_for_nothing() -> None:
    assert [n.kind for n in reading("history_chunk").notices] == ["backlog", "backlog"]


def test_the_business_s_own_number_writes_to_nobody() -> None:
    message = {"from": "12025550100", "id": "wamid.S", "timestamp": "1788221200", "type": "text"}
    value = {"metadata": {"display_phone_number": "12025550100"}, "messages": [message]}
    assert [n.kind for n in change(value).notices] == ["not_a_person"]


def test_a_message_without_an_id_has_the_same_one_each_time_it_comes() -> None:
    first, again = only("malformed_no_message_id"), only("malformed_no_message_id")
    assert first.message_id == again.message_id
    assert first.message_id.startswith("content:")


def test_a_retry_in_another_batch_adds_only_what_is_new() -> None:
    deployment = after("duplicate_same_wamid_within_batch", "duplicate_rebatched")
    assert len(deployment.facts()) == 2


def test_a_field_that_nobody_knows_yet_is_kept_by_its_name() -> None:
    (notice,) = change({"x": 1}, field="telepathy").notices
    assert (notice.kind, notice.event) == ("unknown", "telepathy")


@pytest.mark.parametrize("turned", [False, True])
def test_a_number_seen_with_two_accounts_merges_nobody_and_asks(turned: bool) -> None:
    """The number went to somebody else, or the account to another number: nobody told us."""
    known = ["text_rtl_emoji_name", "text_script_name_long"]
    deployment = after(*(reversed(known) if turned else known), "conflicting_identifiers")
    by_number, other = (deployment.customer_of(n) for n in ("447700900203", "447700900202"))
    assert by_number.id != other.id
    (suggestion,) = deployment.open_suggestions()
    assert suggestion.reason == "different_accounts"
    assert {suggestion.customer_id, suggestion.other_customer_id} == {by_number.id, other.id}
    assert [e.rule for e in deployment.events("guard.tripped")] == ["different_accounts"]
