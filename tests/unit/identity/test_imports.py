"""Contacts that an import brings: who becomes a customer, what an import may say of one, and that
crashes and replays change none of it.

Real: the command's way to its node, the nodes on their partitions. Not real: Kafka.
"""

import random
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.commands import (
    EraseCustomer,
    ImportContact,
    MergeCustomers,
    SplitCustomer,
    UpdateCustomer,
)
from streams.contracts.customers import CustomerEvent
from streams.contracts.policies import PolicyDocument
from streams.identity.imports import contact_keys
from streams.identity.instants import to_ms
from streams.identity.operations import Introduce
from streams.identity.refusals import RefusedError
from tests.examples import examples
from tests.hard_cases.deployment import Deployment, without_history
from tests.hard_cases.platforms import TENANT, email, moment, sms, whatsapp
from tests.unit.identity.builders import ADDRESSES

MARIA, ANA = "+5511999998888", "+5521988887777"


def contact(command_id: str = "i1", at: datetime = moment(days=1), **values: Any) -> ImportContact:  # noqa: B008 - a frozen value
    """Return a row of an import."""
    if "email" not in values:
        values.setdefault("phone", MARIA)
    return ImportContact(id=command_id, tenant_id=TENANT, issued_at=at, issued_by="alice", **values)


def bring(deployment: Deployment, *contacts: ImportContact) -> list[CustomerEvent]:
    """Have the contacts imported; return the answers."""
    for command in contacts:
        key, *_ = contact_keys(command, deployment.policy)
        operation = Introduce(command=command, at_ms=to_ms(command.issued_at))
        deployment.world.append(ADDRESSES.node(TENANT, key), operation)
    deployment.world.run()
    return [deployment.world.answer(command.id) for command in contacts]


def test_a_person_who_never_wrote_becomes_a_customer_whom_nobody_has_contacted_through_it() -> None:
    deployment = Deployment()
    values: dict[str, Any] = {
        "display_name": "Maria",
        "tags": ("vip",),
        "custom_attributes": {"plan": "gold"},
    }
    (answer,) = bring(deployment, contact(**values))
    customer = deployment.customer()
    assert (answer.type, answer.customer_id) == ("command.applied", customer.id)
    assert (customer.display_name, customer.tags) == ("Maria", ("vip",))
    assert (customer.custom_attributes, customer.phones) == ({"plan": "gold"}, (MARIA,))
    assert (customer.status, customer.metadata.source) == ("contacted", "import")
    assert (customer.metadata.channel, customer.created_at) == ("import", moment(days=1))
    assert [event.type for event in deployment.events("customer.created")] == ["customer.created"]
    assert deployment.conversations() == []
    assert deployment.facts() == {}


def test_who_was_imported_and_writes_is_the_same_customer_with_the_imports_name() -> None:
    deployment = Deployment()
    (answer,) = bring(deployment, contact(display_name="Maria Silva", tags=("vip",)))
    deployment.receive(
        whatsapp(MARIA, profile_name="mari \U0001f338", at=moment(days=2)),
        sms(MARIA, at=moment(days=3)),
    )
    customer = deployment.customer()
    assert customer.id == answer.customer_id
    assert (customer.display_name, customer.tags, customer.status) == (
        "Maria Silva",
        ("vip",),
        "active",
    )
    assert {i.channel_id for i in customer.identities} == {"import", "wa-1", "sms-1"}
    assert customer.metadata.last_seen_at == moment(days=3)
    assert len(deployment.events("customer.activated")) == 1


def test_of_who_is_a_customer_an_import_sets_values_and_is_no_contact() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(MARIA, profile_name="mari", at=moment(days=0)))
    before = deployment.customer()
    (answer,) = bring(deployment, contact(display_name="Maria", custom_attributes={"plan": "x"}))
    after = deployment.customer()
    assert answer.customer_id == after.id == before.id
    assert (after.display_name, after.custom_attributes) == ("Maria", {"plan": "x"})
    assert after.identities == before.identities
    assert after.metadata == before.metadata


def test_an_agents_word_outranks_an_import_whichever_is_newer() -> None:
    deployment = Deployment()
    (answer,) = bring(deployment, contact(display_name="Import"))
    assert answer.customer_id
    deployment.ask(
        UpdateCustomer, answer.customer_id, display_name="Agent", issued_at=moment(days=2)
    )
    bring(deployment, contact("i2", moment(days=9), display_name="Import again"))
    assert deployment.customer().display_name == "Agent"


def test_a_shared_address_makes_nobody_one() -> None:
    deployment = Deployment()
    shared = "office@example.com"
    bring(
        deployment,
        contact("i1", phone=MARIA, email=shared),
        contact("i2", phone=ANA, email=shared),
    )
    customers = deployment.customers()
    assert len(customers) == 2
    assert all(customer.emails == (shared,) for customer in customers)
    deployment.receive(email(shared, at=moment(days=2)))
    assert len(deployment.customers()) == 3
    assert deployment.open_suggestions()


def test_an_address_alone_names_a_person_too() -> None:
    deployment = Deployment()
    (answer,) = bring(deployment, contact(email="maria@example.com", display_name="Maria"))
    deployment.receive(email("Maria@Example.com", at=moment(days=2)))
    assert deployment.customer().id == answer.customer_id


def test_a_number_that_an_agent_gave_a_customer_is_that_customers() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(MARIA, at=moment()))
    deployment.ask(UpdateCustomer, deployment.customer(), add_phone=ANA, issued_at=moment(hours=1))
    (answer,) = bring(deployment, contact(phone=ANA, tags=("vip",)))
    customer = deployment.customer()
    assert (answer.customer_id, customer.tags) == (customer.id, ("vip",))


def test_an_import_is_somebodys_decision_and_not_auto_creation() -> None:
    deployment = Deployment(PolicyDocument(auto_creation=False))
    bring(deployment, contact())
    assert deployment.customer().phones == (MARIA,)


def test_who_was_imported_can_be_merged_split_and_erased_like_anybody() -> None:
    deployment = Deployment()
    one, other = bring(deployment, contact("i1"), contact("i2", phone=ANA))
    assert one.customer_id
    assert other.customer_id
    deployment.ask(MergeCustomers, one.customer_id, other_customer_id=other.customer_id)
    merged = deployment.customer()
    assert merged.phones == (MARIA, ANA)
    deployment.ask(
        SplitCustomer, merged, identity_keys=(f"phone:{ANA}",), issued_at=moment(days=301)
    )
    assert len(deployment.customers()) == 2
    deployment.ask(EraseCustomer, one.customer_id, issued_at=moment(days=302))
    assert deployment.customer().phones == (ANA,)
    deployment.replay()
    assert deployment.customer().phones == (ANA,)


def test_who_was_erased_comes_back_by_a_later_import_only_as_somebody_new() -> None:
    deployment = Deployment()
    (first,) = bring(deployment, contact("i1", moment(days=1), display_name="Maria"))
    assert first.customer_id
    deployment.ask(EraseCustomer, first.customer_id, issued_at=moment(days=5))
    (late,) = bring(deployment, contact("i2", moment(days=4)))
    assert (late.type, late.customer_id) == ("command.refused", None)
    assert MARIA not in (late.detail or "")
    assert deployment.customers() == []
    (again,) = bring(deployment, contact("i3", moment(days=6), display_name="M"))
    assert again.customer_id not in {None, first.customer_id}
    assert deployment.customer().display_name == "M"


def test_what_would_be_too_much_is_refused_once_and_for_ever() -> None:
    deployment = Deployment()
    bring(deployment, contact("i1", tags=tuple(f"t{n}" for n in range(100))))
    (answer,) = bring(deployment, contact("i2", moment(days=2), tags=("more",)))
    assert answer.type == "command.refused"
    assert "at most 100 tags" in (answer.detail or "")
    deployment.replay()
    again = deployment.world.answer("i2")
    assert (again, len(deployment.customer().tags)) == (answer, 100)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"phone": None}, "at least one"),
        ({"phone": "123"}, "addPhone"),
        ({"email": "x", "phone": MARIA}, "addEmail"),
        ({"tags": ("x" * 65,)}, "a tag"),
        ({"display_name": "x" * 201}, "displayName"),
        ({"tags": tuple(f"t{n}" for n in range(101))}, "at most 100"),
        ({"phone": "+551130001000"}, "its policy"),
    ],
)
def test_what_is_no_contact_is_refused_before_any_node_is_touched(
    values: dict[str, Any], said: str
) -> None:
    policy = Deployment(PolicyDocument(own_identities=("+551130001000",))).policy
    with pytest.raises(RefusedError, match=said):
        contact_keys(contact(**values), policy)


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(0, 2**32), st.permutations(range(6)))
def test_crashes_replays_and_races_change_nothing(seed: int, order: list[int]) -> None:
    """What workers who die and start again make of it is what one makes that never does."""

    def happen(deployment: Deployment) -> list[Any]:
        rows = [
            contact(f"i{n}", moment(days=n), phone=phone, display_name=f"N{n}", tags=(f"t{n}",))
            for n, phone in enumerate((MARIA, ANA, MARIA))
        ]
        deployment.receive(whatsapp(MARIA, at=moment(days=order[0]), message_id="a"))
        bring(deployment, *rows)
        deployment.receive(
            sms(ANA, at=moment(days=order[1]), message_id="b"),
            whatsapp(ANA, at=moment(days=order[2]), message_id="c"),
        )
        deployment.replay()
        return [
            sorted((without_history(c) for c in deployment.customers()), key=lambda c: c.id),
            deployment.facts(),
            {event.id for event in deployment.world.events.values()},
        ]

    assert happen(Deployment(rng=random.Random(seed))) == happen(Deployment())
