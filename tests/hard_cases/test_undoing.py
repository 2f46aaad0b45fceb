"""Hard cases 43 and 44: a merge restates history, an erasure ends it.

From canonical messages and commands to what a reader sees; the warehouse counts the living.
"""

import random
from collections import Counter
from itertools import permutations

import pytest

from streams.contracts.commands import EraseCustomer, MergeCustomers, SplitCustomer
from streams.contracts.wire import encode
from tests.hard_cases.deployment import Deployment, without_history
from tests.hard_cases.platforms import (
    WHATSAPP,
    moment,
    notice,
    outbound,
    own_contact,
    telegram,
    whatsapp,
)

ANA = "5511999998888"
ERASED_AT = moment(days=10)


def new_by_month(deployment: Deployment) -> Counter[str]:
    """Return the new customers of each month, as the warehouse counts: the living, by creation."""
    return Counter(f"{c.created_at:%Y-%m}" for c in deployment.customers())


def test_case_43_a_merge_of_two_of_one_month_makes_its_new_customers_one_fewer() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, at=moment(days=2)))
    deployment.receive(telegram(5100000201, at=moment(days=20)))
    assert new_by_month(deployment) == {"2026-01": 2}
    one, other = deployment.customers()
    deployment.ask(MergeCustomers, other, other_customer_id=one.id)
    assert new_by_month(deployment) == {"2026-01": 1}
    customer = deployment.customer()
    assert (customer.id, customer.created_at) == (one.id, moment(days=2))
    merged = deployment.world.customers[other.id]
    assert (merged.status, merged.merged_into) == ("merged", one.id)


@pytest.mark.parametrize("by_command", [True, False])
def test_case_43_a_merge_across_months_restates_the_later_month(by_command: bool) -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, at=moment(days=2)))
    deployment.receive(telegram(5100000201, at=moment(days=40)))
    assert new_by_month(deployment) == {"2026-01": 1, "2026-02": 1}
    one, other = deployment.customers()
    if by_command:
        deployment.ask(MergeCustomers, one, other_customer_id=other.id)
    else:
        card = own_contact(f"+{ANA}")
        deployment.receive(telegram(5100000201, identifiers=(card,), at=moment(days=90)))
    assert new_by_month(deployment) == {"2026-01": 1}
    assert deployment.customer().metadata.first_contact_at == moment(days=2)


def test_case_43_a_split_restores_what_the_merge_took() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, at=moment(days=2)))
    deployment.receive(telegram(5100000201, at=moment(days=40)))
    before = [without_history(c) for c in deployment.customers()]
    one, other = deployment.customers()
    deployment.ask(MergeCustomers, one, other_customer_id=other.id)
    deployment.ask(SplitCustomer, one, identity_keys=(other.identities[0].identity_key,))
    assert new_by_month(deployment) == {"2026-01": 1, "2026-02": 1}
    assert [without_history(c) for c in deployment.customers()] == before


def test_case_43_in_whatever_order_its_evidence_comes_a_merge_leaves_the_earlier_creation() -> None:
    messages = [
        whatsapp(ANA, at=moment(days=20)),
        telegram(5100000201, at=moment(days=2)),
        telegram(5100000201, identifiers=(own_contact(f"+{ANA}"),), at=moment(days=45)),
    ]
    for order in permutations(messages):
        deployment = Deployment()
        for message in order:
            deployment.receive(message)
        assert new_by_month(deployment) == {"2026-01": 1}
        assert deployment.customer().created_at == moment(days=2)


def erased(deployment: Deployment) -> str:
    """Erase the only customer; return the id they had."""
    customer = deployment.customer()
    answer = deployment.ask(EraseCustomer, customer, issued_at=ERASED_AT)
    assert answer.type == "command.applied"
    return customer.id


def test_case_44_an_erased_customer_who_writes_again_is_somebody_new() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, profile_name="Ana", message_id="before"))
    old_id = erased(deployment)
    assert deployment.customers() == []
    deployment.receive(whatsapp(ANA, at=moment(days=20), message_id="after"))
    customer = deployment.customer()
    assert customer.id != old_id
    assert (customer.display_name, customer.merged_ids) == (ANA, ())
    assert customer.created_at == moment(days=20)
    assert deployment.history(customer) == {"after"}
    (conversation,) = deployment.conversations()
    assert (conversation.customer_id, conversation.started_at) == (customer.id, moment(days=20))


def test_case_44_each_erasure_ends_another_id() -> None:
    deployment = Deployment()
    ids = set()
    for round_number in range(4):
        deployment.receive(whatsapp(ANA, at=moment(days=20 * round_number)))
        ids.add(deployment.customer().id)
        deployment.ask(
            EraseCustomer, deployment.customer(), issued_at=moment(days=20 * round_number + 10)
        )
    assert len(ids) == 4
    assert deployment.customers() == []


def test_case_44_no_replay_and_no_redelivery_resurrects() -> None:
    messages = [
        whatsapp(ANA, user_id="BR.1", profile_name="Ana", message_id="m0"),
        outbound(WHATSAPP, ANA, at=moment(days=1), message_id="m1"),
        telegram(5100000201, identifiers=(own_contact(f"+{ANA}"),), at=moment(days=2)),
    ]
    for seed in range(20):
        rng = random.Random(seed)
        deployment = Deployment(rng=rng)
        deployment.receive(*messages)
        erased(deployment)
        known = deployment.known()
        deployment.replay()
        rng.shuffle(messages)
        deployment.receive(*messages, received_at=moment(days=30))
        deployment.replay()
        assert deployment.customers() == []
        assert deployment.known() == known
        assert deployment.facts() == {}
        stored = [*deployment.world.nodes.values()]
        stored += [encode(event) for event in deployment.world.events.values()]
        assert not [value for value in stored if b"Ana" in value]
        assert len(deployment.events("customer.erased")) == 1


def test_case_44_a_replay_ties_nobody_to_who_was_merged_split_and_erased() -> None:
    for seed in range(20):
        deployment = Deployment(rng=random.Random(seed))
        deployment.receive(whatsapp(ANA))
        deployment.receive(telegram(5100000201, at=moment(days=1)))
        one, other = deployment.customers()
        deployment.ask(MergeCustomers, other, other_customer_id=one.id, issued_at=moment(days=2))
        keys = (one.identities[0].identity_key,)
        together = deployment.customer()
        deployment.ask(SplitCustomer, together, identity_keys=keys, issued_at=moment(days=3))
        erased_one = deployment.customer_of("5100000201")
        deployment.ask(EraseCustomer, erased_one, issued_at=moment(days=4))
        deployment.replay()
        assert deployment.customer().links == ()
        assert not [v for v in deployment.world.nodes.values() if b"telegram:5100000201" in v]


def test_case_44_a_late_message_of_before_the_erasure_stays_forgotten() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA))
    erased(deployment)
    deployment.receive(whatsapp(ANA, at=moment(days=9)), received_at=moment(days=30))
    assert deployment.customers() == []
    deployment.receive(whatsapp(ANA, at=moment(days=11)), received_at=moment(days=30))
    assert deployment.customer().created_at == moment(days=11)


def test_case_44_a_replay_after_they_wrote_again_keeps_the_new_customer_as_it_is() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, profile_name="Ana"))
    erased(deployment)
    deployment.receive(whatsapp(ANA, profile_name="Dora", at=moment(days=20)))
    customer = without_history(deployment.customer())
    deployment.replay()
    deployment.receive(whatsapp(ANA, profile_name="Ana"), received_at=moment(days=30))
    assert without_history(deployment.customer()) == customer


def test_case_44_what_is_said_of_the_new_person_without_a_message_is_theirs() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, profile_name="Ana"))
    erased(deployment)
    deployment.receive(whatsapp(ANA, at=moment(days=20)))
    deployment.receive(
        notice(WHATSAPP, ANA, profile_name="Dora", content_type="profile", at=moment(days=21))
    )
    assert deployment.customer().display_name == "Dora"


def test_case_44_an_old_profile_does_not_come_back_with_the_new_person() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA))
    erased(deployment)
    profile = notice(WHATSAPP, ANA, profile_name="Ana", content_type="profile", at=moment(days=5))
    deployment.receive(profile, received_at=moment(days=15))
    deployment.receive(whatsapp(ANA, at=moment(days=20)))
    deployment.receive(profile, received_at=moment(days=25))
    assert deployment.customer().display_name == ANA


def test_case_44_a_claim_of_before_does_not_tie_the_new_person() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA))
    erased(deployment)
    tie = telegram(5100000201, identifiers=(own_contact(f"+{ANA}"),), at=moment(days=5))
    deployment.receive(tie, received_at=moment(days=15))
    deployment.receive(whatsapp(ANA, at=moment(days=20)))
    assert len(deployment.customers()) == 2
    assert deployment.customer_of(ANA).links == ()
    assert deployment.customer_of("5100000201").links == ()
    assert deployment.customer_of("5100000201").phones == ()
