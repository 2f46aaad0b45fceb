"""Hard cases 18 to 24: people whose ids change, hide, or show themselves later.

From canonical messages, as adapters make them of WhatsApp's payloads, to what a reader sees.
"""

import random
from itertools import permutations

import pytest

from streams.contracts.messages import Channel, Identifier, Message
from streams.contracts.policies import PolicyDocument
from tests.hard_cases.deployment import Deployment
from tests.hard_cases.platforms import (
    OWN_NUMBER,
    WHATSAPP,
    gateway,
    inbound,
    moment,
    notice,
    outbound,
    own_contact,
    signed,
    whatsapp,
)

LID = "142902286143727"
NUMBER = "447700900205"
USER_ID = "GB.10000000000000205"
NEXT_USER_ID = "GB.10000000000000405"


def moved(old: str, *new: Identifier, hours: float = 1) -> Message:
    """Return WhatsApp's word that an account changed its number or its user id."""
    return notice(WHATSAPP, old, *new, at=moment(hours=hours))


def user_id_moved(hours: float = 1) -> Message:
    """Return a `user_changed_user_id`: there is no number in it at all."""
    new = Identifier(kind="bsuid", value=NEXT_USER_ID, rule="account_moved")
    return moved(USER_ID, new, hours=hours)


def test_case_18_a_lid_alone_is_a_customer_without_a_phone() -> None:
    deployment = Deployment()
    deployment.receive(gateway(LID, profile_name="Quiet Person"))
    customer = deployment.customer()
    assert [i.identity_key for i in customer.identities] == [f"lid:{LID}"]
    assert (customer.phones, customer.display_name) == ((), "Quiet Person")


def test_case_18_the_first_pair_of_lid_and_number_gives_the_customer_their_phone() -> None:
    deployment = Deployment()
    deployment.receive(gateway(LID))
    before = deployment.customer()
    deployment.receive(gateway(LID, NUMBER, at=moment(seconds=3)))
    deployment.receive(gateway(None, NUMBER, at=moment(seconds=5)))
    after = deployment.customer()
    assert after.id == before.id
    assert after.phones == (f"+{NUMBER}",)
    assert [link.rule for link in after.links] == ["same_account"]


def test_case_18_a_pair_merges_the_customer_that_the_phone_already_had() -> None:
    deployment = Deployment()
    deployment.receive(gateway(None, NUMBER, profile_name="Leila"))
    deployment.receive(gateway(LID, at=moment(hours=1)))
    by_number, by_lid = deployment.customers()
    deployment.receive(gateway(LID, NUMBER, at=moment(hours=2)))
    survivor = deployment.customer()
    assert (survivor.id, survivor.merged_ids) == (by_number.id, (by_lid.id,))
    assert deployment.world.customers[by_lid.id].merged_into == by_number.id
    (merged,) = deployment.events("customer.merged")
    assert (merged.customer_id, merged.merged_into) == (by_lid.id, by_number.id)


def test_case_18_a_chat_that_alternates_with_and_without_the_number_is_one_customer() -> None:
    chats = [
        [gateway(f"{LID}{n}"), gateway(f"{LID}{n}", f"44770090{n}"), gateway(None, f"44770090{n}")]
        for n in range(1000, 1020)
    ]
    for seed in range(5):
        rng = random.Random(seed)
        deployment = Deployment(rng=rng)
        messages = [message for chat in chats for message in chat]
        rng.shuffle(messages)
        deployment.receive(*messages)
        customers = deployment.customers()
        assert len(customers) == len(chats)
        assert {len(c.identities) for c in customers} == {2}
        assert all(LID not in phone for c in customers for phone in c.phones)


def test_case_19_a_user_id_alone_is_a_customer_with_a_name_and_no_phone() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(None, user_id=USER_ID, profile_name="Noor", username="noor.q"))
    customer = deployment.customer()
    assert (customer.display_name, customer.phones) == ("Noor", ())
    (identity,) = customer.identities
    assert (identity.external_id, identity.username) == (USER_ID, "noor.q")
    assert identity.identity_key == f"bsuid:portfolio-9:{USER_ID}"


def test_case_19_without_a_profile_name_the_username_is_what_a_list_shows() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(None, user_id=USER_ID, username="noor.q"))
    assert deployment.customer().display_name == "@noor.q"


def test_case_19_a_user_id_is_one_person_within_a_portfolio_and_another_outside() -> None:
    deployment = Deployment()
    for channel_id, account in [("wa-1", "p-9"), ("wa-2", "p-9"), ("wa-3", "p-8"), ("wa-4", None)]:
        channel = Channel(id=channel_id, type="whatsapp", account=account)
        deployment.receive(inbound(channel, USER_ID))
    inboxes = {frozenset(i.channel_id for i in c.identities) for c in deployment.customers()}
    assert inboxes == {frozenset({"wa-1", "wa-2"}), frozenset({"wa-3"}), frozenset({"wa-4"})}


def test_case_19_the_parent_id_is_the_same_account() -> None:
    deployment = Deployment()
    parent = Identifier(kind="bsuid", value="GB.ENT.10000000000000905")
    deployment.receive(whatsapp(None, user_id=USER_ID, identifiers=(parent,)))
    deployment.receive(whatsapp(None, user_id=parent.value, at=moment(hours=1)))
    assert len(deployment.customer().identities) == 2


def test_case_20_who_adopts_a_username_stays_who_they_were() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(NUMBER, profile_name="Noor"))
    known = deployment.customer()
    both = whatsapp(NUMBER, user_id=USER_ID, username="noor.q", at=moment(days=1))
    hidden = whatsapp(None, user_id=USER_ID, username="noor.q", at=moment(days=90))
    deployment.receive(both)
    deployment.receive(hidden)
    customer = deployment.customer()
    assert customer.id == known.id
    assert customer.phones == (f"+{NUMBER}",)
    assert deployment.fact(hidden.message_id).customer_id == known.id


def test_case_20_in_whatever_order_the_three_arrive_they_are_one_customer() -> None:
    messages = [
        whatsapp(NUMBER, profile_name="Noor"),
        whatsapp(NUMBER, user_id=USER_ID, at=moment(days=1)),
        whatsapp(None, user_id=USER_ID, username="noor.q", at=moment(days=90)),
    ]
    for order in permutations(messages):
        deployment = Deployment()
        for message in order:
            deployment.receive(message)
        customer = deployment.customer()
        assert (customer.display_name, customer.phones) == ("Noor", (f"+{NUMBER}",))
        assert deployment.history(customer) == {m.message_id for m in messages}


def test_case_21_a_changed_number_adds_its_aliases_and_keeps_the_old_ones() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(NUMBER, user_id=USER_ID, profile_name="Amelia"))
    known = deployment.customer()
    deployment.receive(
        moved(
            NUMBER,
            Identifier(kind="phone", value="447700900301", rule="account_moved"),
            Identifier(kind="bsuid", value=USER_ID),
            Identifier(kind="bsuid", value=NEXT_USER_ID, rule="account_moved"),
        )
    )
    moved_customer = deployment.customer()
    assert moved_customer.phones == ("+447700900205", "+447700900301")
    # Nobody spoke: no message, and not seen later.
    assert moved_customer.metadata.last_seen_at == known.metadata.last_seen_at
    assert len(deployment.facts()) == 1

    deployment.receive(whatsapp("447700900301", user_id=NEXT_USER_ID, at=moment(hours=2)))
    deployment.receive(whatsapp(None, user_id=NEXT_USER_ID, at=moment(hours=3)))
    deployment.receive(whatsapp(NUMBER, at=moment(hours=4)))
    assert deployment.customer().id == known.id


def test_case_21_a_changed_number_of_nobody_makes_no_customer() -> None:
    deployment = Deployment()
    deployment.receive(
        moved(NUMBER, Identifier(kind="phone", value="447700900301", rule="account_moved"))
    )
    assert deployment.known() == [{}, {}, {}, {}, {}]
    deployment.receive(whatsapp("447700900301", at=moment(days=1)))
    assert deployment.customer().phones == ("+447700900205", "+447700900301")


def test_case_22_a_late_word_of_the_new_id_makes_the_two_customers_one() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(None, user_id=USER_ID, profile_name="Noor"))
    deployment.receive(whatsapp(None, user_id=NEXT_USER_ID, at=moment(hours=2)))
    known, second = deployment.customers()
    deployment.receive(user_id_moved())
    survivor = deployment.customer()
    assert (survivor.id, survivor.merged_ids) == (known.id, (second.id,))
    assert survivor.display_name == "Noor"
    assert [link.rule for link in survivor.links] == ["account_moved"]


def test_case_22_a_late_word_about_two_whom_the_business_knows_apart_waits_for_somebody() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(None, user_id=USER_ID, identifiers=(signed("customer-1"),)))
    deployment.receive(
        whatsapp(
            None, user_id=NEXT_USER_ID, identifiers=(signed("customer-2"),), at=moment(hours=2)
        )
    )
    one, other = deployment.customers()
    deployment.receive(user_id_moved(hours=3))
    assert [c.id for c in deployment.customers()] == [one.id, other.id]
    (suggestion,) = deployment.open_suggestions()
    assert suggestion.reason == "different_references"
    assert {suggestion.customer_id, suggestion.other_customer_id} == {one.id, other.id}
    (tripped,) = deployment.events("guard.tripped")
    assert tripped.rule == "different_references"


def contacted_by_number_and_answered_by_user_id(deployment: Deployment) -> None:
    deployment.receive(outbound(WHATSAPP, NUMBER))
    deployment.receive(whatsapp(None, user_id=USER_ID, at=moment(minutes=10)))


def test_case_23_a_reply_that_shows_only_a_user_id_stays_a_second_customer() -> None:
    deployment = Deployment()
    contacted_by_number_and_answered_by_user_id(deployment)
    assert [c.status for c in deployment.customers()] == ["contacted", "active"]
    assert deployment.open_suggestions() == []


def test_case_23_the_answer_to_a_contact_request_makes_the_two_one() -> None:
    deployment = Deployment()
    contacted_by_number_and_answered_by_user_id(deployment)
    contacted, active = deployment.customers()
    card = whatsapp(
        None, user_id=USER_ID, identifiers=(own_contact("+447700900205"),), at=moment(hours=1)
    )
    deployment.receive(card)
    customer = deployment.customer()
    assert (customer.id, customer.merged_ids) == (contacted.id, (active.id,))
    assert (customer.status, customer.phones) == ("active", (f"+{NUMBER}",))
    assert [link.rule for link in customer.links] == ["contact_shared"]


def test_case_23_a_tenant_may_have_that_merge_confirmed_by_a_person() -> None:
    deployment = Deployment(PolicyDocument(rules={"contact_shared": "suggest"}))
    contacted_by_number_and_answered_by_user_id(deployment)
    card = whatsapp(
        None, user_id=USER_ID, identifiers=(own_contact("+447700900205"),), at=moment(hours=1)
    )
    deployment.receive(card)
    assert len(deployment.customers()) == 2
    (suggestion,) = deployment.open_suggestions()
    assert (suggestion.rule, suggestion.level) == ("contact_shared", "attested")


@pytest.mark.parametrize("own", [(), (f"+{OWN_NUMBER}",)])
def test_case_24_what_the_owner_writes_on_the_phone_reaches_the_same_customer(
    own: tuple[str, ...],
) -> None:
    deployment = Deployment(PolicyDocument(own_identities=own))
    deployment.receive(whatsapp(NUMBER, user_id=USER_ID, profile_name="Noor"))
    known = deployment.customer()
    echo = outbound(
        WHATSAPP,
        NUMBER,
        agent_id=None,
        at=moment(minutes=3),
        profile_name="The Corner Shop",
        identifiers=(Identifier(kind="bsuid", value=USER_ID),),
    )
    deployment.receive(echo)
    customer = deployment.customer()
    assert (customer.id, customer.display_name) == (known.id, "Noor")
    assert {i.external_id for i in customer.identities} == {NUMBER}
    fact = deployment.fact(echo.message_id)
    assert (fact.direction, fact.agent_id, fact.customer_id) == ("outbound", None, known.id)
    (conversation,) = deployment.conversations()
    assert fact.conversation_id == conversation.id


def test_case_24_an_echo_that_shows_only_the_user_id_reaches_the_same_customer() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(NUMBER, user_id=USER_ID))
    echo = outbound(WHATSAPP, USER_ID, agent_id=None, at=moment(minutes=3))
    deployment.receive(echo)
    assert deployment.fact(echo.message_id).customer_id == deployment.customer().id


def test_case_24_an_echo_to_somebody_unknown_makes_a_contacted_customer() -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, NUMBER, agent_id=None))
    customer = deployment.customer()
    assert (customer.status, customer.phones) == ("contacted", (f"+{NUMBER}",))


def test_case_24_two_numbers_and_accounts_are_one_person_by_a_signed_reference() -> None:
    """What the platform shows of each number is theirs alone; in any order."""
    messages = [
        whatsapp(NUMBER, user_id=USER_ID, identifiers=(signed("crm-7"),)),
        whatsapp("447700900206", identifiers=(signed("crm-7"),), at=moment(hours=1)),
        whatsapp("447700900206", user_id=NEXT_USER_ID, at=moment(hours=2)),
    ]
    for order in permutations(messages):
        deployment = Deployment()
        deployment.receive(*order, received_at=moment(hours=3))
        assert len(deployment.customer().identities) == 2
        assert deployment.open_suggestions() == []


def test_case_24_a_number_with_two_accounts_asks_until_the_platform_says_that_one_moved() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(NUMBER, user_id=USER_ID))
    deployment.receive(whatsapp(NUMBER, user_id=NEXT_USER_ID, at=moment(hours=2)))
    assert [e.rule for e in deployment.events("guard.tripped")] == ["different_accounts"]
    deployment.receive(whatsapp(None, user_id=NEXT_USER_ID, at=moment(hours=3)))
    assert len(deployment.customers()) == 2
    assert [s.reason for s in deployment.open_suggestions()] == ["different_accounts"]
    deployment.receive(user_id_moved(hours=1))
    assert len(deployment.customer().identities) == 2
    assert deployment.open_suggestions() == []
