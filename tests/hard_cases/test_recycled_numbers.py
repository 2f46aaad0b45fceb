"""Hard case 31: a number that its network gave to somebody else after a long silence.

From canonical messages and a split by time to what a reader sees.
"""

import random
from datetime import datetime
from itertools import permutations

import pytest

from streams.contracts.commands import EraseCustomer, MergeCustomers, SplitCustomer, UpdateCustomer
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import Message
from streams.contracts.policies import PolicyDocument
from tests.hard_cases.deployment import Deployment, without_history
from tests.hard_cases.platforms import (
    WHATSAPP,
    moment,
    outbound,
    own_contact,
    telegram,
    whatsapp,
)

NUMBER = "12025550177"
KEY = f"phone:+{NUMBER}"
TAKEN_OVER = moment(days=50)


def ana(**since_start: float) -> Message:
    """Return a message of the number's first owner."""
    return whatsapp(NUMBER, profile_name="Ana", at=moment(**since_start))


def bob(**since_start: float) -> Message:
    """Return a message of the number's next owner."""
    return whatsapp(NUMBER, profile_name="Bob", at=moment(**since_start))


def split(deployment: Deployment, customer: Customer, since: datetime) -> CustomerEvent:
    return deployment.ask(SplitCustomer, customer, identity_keys=(KEY,), since=since)


def taken_over(rng: random.Random | None = None) -> Deployment:
    """Return a deployment in which the number changed hands, and nobody has decided yet."""
    deployment = Deployment(rng=rng)
    deployment.receive(
        whatsapp(NUMBER, profile_name="Ana", message_id="a0"),
        whatsapp(NUMBER, profile_name="Ana", at=moment(days=3), message_id="a3"),
        whatsapp(NUMBER, profile_name="Bob", at=TAKEN_OVER, message_id="b50"),
        whatsapp(NUMBER, profile_name="Bob", at=moment(days=52), message_id="b52"),
    )
    return deployment


@pytest.mark.parametrize("days", [45, 46, 400])
def test_case_31_another_name_after_a_long_silence_is_flagged_and_overwrites_nothing(
    days: int,
) -> None:
    deployment = Deployment()
    deployment.receive(ana())
    deployment.receive(bob(days=days))
    customer = deployment.customer()
    assert customer.possible_new_owner_since == moment(days=days)
    assert customer.display_name == "Ana"


def test_case_31_what_the_possible_new_owner_writes_next_moves_neither_flag_nor_name() -> None:
    deployment = taken_over()
    customer = deployment.customer()
    assert customer.possible_new_owner_since == TAKEN_OVER
    assert (customer.display_name, customer.metadata.last_seen_at) == ("Ana", moment(days=52))


def test_case_31_another_name_after_a_shorter_silence_is_a_person_who_changed_it() -> None:
    deployment = Deployment()
    deployment.receive(ana())
    deployment.receive(bob(days=44, hours=23))
    customer = deployment.customer()
    assert customer.possible_new_owner_since is None
    assert customer.display_name == "Bob"


@pytest.mark.parametrize("name", ["Ana", None])
def test_case_31_the_same_name_or_none_after_a_long_silence_is_no_flag(name: str | None) -> None:
    deployment = Deployment()
    deployment.receive(ana())
    deployment.receive(whatsapp(NUMBER, profile_name=name, at=moment(days=90)))
    customer = deployment.customer()
    assert customer.possible_new_owner_since is None
    assert customer.display_name == "Ana"


def test_case_31_a_name_for_whom_none_was_known_is_no_flag() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(NUMBER))
    deployment.receive(bob(days=90))
    customer = deployment.customer()
    assert customer.possible_new_owner_since is None
    assert customer.display_name == "Bob"


def test_case_31_our_own_messages_to_the_number_do_not_break_its_silence() -> None:
    deployment = Deployment()
    deployment.receive(ana())
    deployment.receive(*(outbound(WHATSAPP, NUMBER, at=moment(days=d)) for d in (10, 30, 50)))
    deployment.receive(bob(days=60))
    assert deployment.customer().possible_new_owner_since == moment(days=60)


def test_case_31_an_account_that_is_never_given_to_others_is_no_flag() -> None:
    deployment = Deployment()
    deployment.receive(telegram(5100000201, profile_name="Ana"))
    deployment.receive(telegram(5100000201, profile_name="Bob", at=moment(days=90)))
    customer = deployment.customer()
    assert customer.possible_new_owner_since is None
    assert customer.display_name == "Bob"


def test_case_31_the_silence_is_the_tenants_to_decide() -> None:
    deployment = Deployment(PolicyDocument(new_owner_silence_days=10))
    deployment.receive(ana(), bob(days=11))
    assert deployment.customer().possible_new_owner_since == moment(days=11)


def test_case_31_every_order_of_arrival_flags_the_same_moment() -> None:
    messages = [ana(), ana(days=3), bob(days=50), bob(days=52)]
    for order in permutations(messages):
        deployment = Deployment()
        for message in order:
            deployment.receive(message, received_at=moment(days=60))
        customer = deployment.customer()
        assert customer.possible_new_owner_since == TAKEN_OVER
        assert customer.display_name == "Ana"


def test_case_31_a_late_message_that_fills_the_silence_takes_the_flag_back() -> None:
    deployment = Deployment()
    deployment.receive(ana(), bob(days=60))
    assert deployment.customer().possible_new_owner_since == moment(days=60)
    deployment.receive(ana(days=30), received_at=moment(days=61))
    customer = deployment.customer()
    assert customer.possible_new_owner_since is None
    assert customer.display_name == "Bob"


def test_case_31_a_split_at_that_time_parts_the_two_owners_and_their_messages() -> None:
    deployment = taken_over()
    known = deployment.customer()
    assert split(deployment, known, TAKEN_OVER).type == "command.applied"
    old, new = deployment.customers()
    assert (old.id, old.display_name, new.display_name) == (known.id, "Ana", "Bob")
    assert (old.created_at, old.metadata.last_seen_at) == (moment(), moment(days=3))
    assert (new.created_at, new.metadata.last_seen_at) == (TAKEN_OVER, moment(days=52))
    assert (deployment.history(old), deployment.history(new)) == ({"a0", "a3"}, {"b50", "b52"})
    assert (old.possible_new_owner_since, new.possible_new_owner_since) == (None, None)
    assert [c.customer_id for c in deployment.conversations()] == [old.id, old.id, new.id, new.id]
    (event,) = deployment.events("customer.split")
    assert (event.customer_id, event.split_from) == (new.id, old.id)


def test_case_31_after_the_split_messages_go_by_when_they_were_sent() -> None:
    deployment = taken_over()
    split(deployment, deployment.customer(), TAKEN_OVER)
    old, new = deployment.customers()
    for days, message_id in (
        (60, "next"),
        (10, "late, of the old owner"),
        (51, "late, of the new"),
    ):
        message = whatsapp(NUMBER, at=moment(days=days), message_id=message_id)
        deployment.receive(message, received_at=moment(days=61))
    assert [c.id for c in deployment.customers()] == [old.id, new.id]
    assert deployment.fact("next").customer_id == new.id
    assert deployment.fact("late, of the old owner").customer_id == old.id
    assert deployment.fact("late, of the new").customer_id == new.id
    old, new = deployment.customers()
    assert old.metadata.last_seen_at == moment(days=10)
    assert new.metadata.last_seen_at == moment(days=60)
    assert (old.display_name, new.display_name) == ("Ana", "Bob")


def test_case_31_a_replay_after_the_split_changes_nothing() -> None:
    for seed in range(20):
        deployment = taken_over(random.Random(seed))
        split(deployment, deployment.customer(), TAKEN_OVER)
        parted = [without_history(c) for c in deployment.customers()]
        assert [c.display_name for c in parted] == ["Ana", "Bob"]
        deployment.replay()
        deployment.receive(ana(), bob(days=50))
        assert [without_history(c) for c in deployment.customers()] == parted


def test_case_31_the_split_and_the_messages_in_any_order_part_the_two_alike() -> None:
    together = taken_over()
    split(together, together.customer(), TAKEN_OVER)
    expected = [without_history(c) for c in together.customers()]
    assert [c.display_name for c in expected] == ["Ana", "Bob"]

    piecemeal = Deployment()
    piecemeal.receive(whatsapp(NUMBER, profile_name="Bob", at=TAKEN_OVER, message_id="b50"))
    piecemeal.receive(whatsapp(NUMBER, profile_name="Ana", message_id="a0"))
    split(piecemeal, piecemeal.customer(), TAKEN_OVER)
    piecemeal.receive(
        whatsapp(NUMBER, profile_name="Bob", at=moment(days=52), message_id="b52"),
        whatsapp(NUMBER, profile_name="Ana", at=moment(days=3), message_id="a3"),
    )
    assert [without_history(c) for c in piecemeal.customers()] == expected


def test_case_31_the_new_owner_takes_nothing_along_that_was_tied_to_the_old_one() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(NUMBER, user_id="US.1", profile_name="Ana"))
    deployment.receive(whatsapp(None, user_id="US.1", profile_name="Ana", at=moment(days=1)))
    deployment.receive(whatsapp(NUMBER, user_id="US.2", profile_name="Bob", at=TAKEN_OVER))
    split(deployment, deployment.customer(), TAKEN_OVER)
    old, new = deployment.customers()
    assert {i.external_id for i in old.identities} == {NUMBER, "US.1"}
    assert (old.display_name, new.display_name) == ("Ana", "Bob")
    again = whatsapp(None, user_id="US.2", at=moment(days=70))
    deployment.receive(again)
    assert deployment.fact(again.message_id).customer_id == new.id


def test_case_31_a_replay_ties_to_the_old_owner_nobody_who_is_tied_to_the_new_one() -> None:
    deployment = taken_over()
    card = own_contact(f"+{NUMBER}")
    deployment.receive(telegram(5100000201, identifiers=(card,), at=moment(days=51)))
    split(deployment, deployment.customer(), TAKEN_OVER)
    parted = [without_history(c) for c in deployment.customers()]
    assert [len(c.identities) for c in parted] == [1, 2]
    deployment.replay()
    assert [without_history(c) for c in deployment.customers()] == parted


def test_case_31_a_split_by_time_that_leaves_nothing_to_one_side_is_refused() -> None:
    deployment = taken_over()
    known = deployment.customer()
    for since in (moment(days=-1), moment(days=53)):
        answer = split(deployment, known, since)
        assert answer.type == "command.refused"
        assert "since" in (answer.detail or "")
        assert deployment.customer().id == known.id
    assert split(deployment, known, TAKEN_OVER).type == "command.applied"


def test_case_31_what_somebody_decides_later_of_the_old_owner_is_not_the_new_owners() -> None:
    deployment = taken_over()
    split(deployment, deployment.customer(), TAKEN_OVER)
    old, new = deployment.customers()
    deployment.receive(telegram(5100000201, profile_name="Ana's other phone", at=moment(days=70)))
    deployment.ask(MergeCustomers, old, other_customer_id=deployment.customer_of("5100000201").id)
    # Evidence that comes later cuts what is known once more.
    deployment.receive(whatsapp(NUMBER, user_id="US.2", at=moment(days=80)))
    assert {i.external_id for i in deployment.customer_of("5100000201").identities} == {
        NUMBER,
        "5100000201",
    }
    together = deployment.customer_of("5100000201")
    assert old.id in {together.id, *together.merged_ids}
    parted = {c.id: len(c.identities) for c in deployment.customers()}
    assert parted[new.id] == 1


def test_case_31_a_number_that_an_agent_adds_is_its_present_owners() -> None:
    deployment = taken_over()
    split(deployment, deployment.customer(), TAKEN_OVER)
    old, new = deployment.customers()
    deployment.receive(telegram(5100000201, profile_name="Bob", at=moment(days=70)))
    answer = deployment.ask(
        UpdateCustomer, deployment.customer_of("5100000201"), add_phone=f"+{NUMBER}"
    )
    assert answer.type == "command.applied"
    together = deployment.customer_of("5100000201")
    assert together.id in {new.id, *together.merged_ids}
    assert new.id in {together.id, *together.merged_ids}
    assert old.id not in {together.id, *together.merged_ids}


def test_case_31_owners_who_were_merged_again_are_split_again_by_the_number() -> None:
    deployment = taken_over()
    deployment.receive(telegram(5100000201, profile_name="Ana", at=moment(days=1)))
    split(deployment, deployment.customer_of(NUMBER), TAKEN_OVER)
    old, new = (c for c in deployment.customers() if c.phones)
    deployment.ask(MergeCustomers, old, other_customer_id=new.id)
    deployment.ask(MergeCustomers, old, other_customer_id=deployment.customer_of("5100000201").id)
    (together,) = deployment.customers()
    answer = deployment.ask(SplitCustomer, together, identity_keys=(KEY,))
    assert answer.type == "command.applied"
    assert {i.external_id for i in deployment.customer_of("5100000201").identities} == {
        "5100000201"
    }


def messages_left(deployment: Deployment) -> set[str]:
    return {fact.message_id for fact in deployment.facts().values()}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("erased", "left"),
    [("Ana", {"b50", "b52", "b60"}), ("Bob", {"a0", "a3"})],
)
def test_case_31_an_erasure_takes_one_owner_s_messages_told_before_the_split_or_after(
    erased: str, left: set[str], seed: int
) -> None:
    deployment = taken_over(random.Random(seed))
    split(deployment, deployment.customer(), TAKEN_OVER)
    deployment.receive(whatsapp(NUMBER, profile_name="Bob", at=moment(days=60), message_id="b60"))
    of_whom = {customer.display_name: customer for customer in deployment.customers()}
    deployment.ask(EraseCustomer, of_whom.pop(erased))
    assert messages_left(deployment) == left
    deployment.replay()
    assert messages_left(deployment) == left
    (other,) = of_whom.values()
    assert [c.id for c in deployment.customers()] == [other.id]
    assert deployment.history(deployment.customer()) == left


def test_case_31_both_owners_erased_leave_no_message_and_a_third_is_somebody_new() -> None:
    deployment = taken_over()
    split(deployment, deployment.customer(), TAKEN_OVER)
    first, second = deployment.customers()
    deployment.ask(EraseCustomer, first)
    deployment.ask(EraseCustomer, second)
    assert messages_left(deployment) == set()
    # Later than any erasure: the commands were given on the 300th day.
    deployment.receive(whatsapp(NUMBER, at=moment(days=400), message_id="c400"))
    assert messages_left(deployment) == {"c400"}
    assert deployment.customer().id not in {first.id, second.id}
