"""Split, refuse, erase: after any history they leave what would have been, and replays keep it."""

import random
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from streams.contracts.commands import (
    AnyCustomerCommand,
    ConfirmSuggestion,
    EraseCustomer,
    MergeCustomers,
    RefuseSuggestion,
    SplitCustomer,
    UpdateCustomer,
)
from streams.identity.operations import Claim, Observe
from tests.examples import examples
from tests.unit.identity.builders import HOUR_MS, START_MS, TENANT, moment, said
from tests.unit.identity.test_population import POLICY, disturbed, expected_people, fields, logs
from tests.unit.identity.world import World

LATER_MS = START_MS + 1000 * HOUR_MS
seeds = st.integers(0, 2**32).map(random.Random)


def head(command_id: str, at_ms: int = LATER_MS) -> dict[str, Any]:
    return {
        "id": command_id,
        "tenant_id": TENANT,
        "issued_at": moment(at_ms),
        "issued_by": "alice",
    }


def split(world: World, keys: set[str], command_id: str = "split-1") -> SplitCustomer:
    customer = world.customer(min(keys))
    return SplitCustomer(
        **head(command_id), customer_id=customer.id, identity_keys=tuple(sorted(keys))
    )


def settled(world: World, log: list[Observe]) -> World:
    """Say the log, disturbed, and let all of it happen."""
    for message in disturbed(log, world.rng):
        world.say(message)
    world.run()
    return world


@settings(max_examples=examples(20), deadline=None)
@given(logs(), logs(), seeds, st.data())
def test_a_split_after_any_history_restores_what_would_have_been_without_the_link(
    log: list[Observe], later: list[Observe], rng: random.Random, data: st.DataObject
) -> None:
    people = expected_people(log)
    assume(len(people) > 1)
    one, other = data.draw(st.permutations(sorted(people, key=min)))[:2]
    tie = min(one), min(other)
    wrong = said(tie[0], (tie[1], "contact_shared"), message_id="wrong", at_ms=START_MS)
    unlinked = msgspec.structs.replace(wrong, claims=())
    observed = one | other
    later = [  # what comes later speaks of these people, and ties nobody else to them
        msgspec.structs.replace(message, message_id=f"l{n}", claims=())
        for n, message in enumerate(later)
        if message.identity_key in observed
    ]

    world = settled(World(rng, policy=POLICY), [*log, wrong])
    assert any(one | other <= keys for keys in world.people())
    world.ask(split(world, other))
    settled(world, later)

    expected = settled(World(policy=POLICY), [*log, unlinked, *later])
    assert fields(world) == fields(expected)
    world.replay()
    assert fields(world) == fields(expected)


@settings(max_examples=examples(20), deadline=None)
@given(logs(), seeds, st.data())
def test_a_merge_by_hand_is_undone_by_a_split_and_both_ids_live_again(
    log: list[Observe], rng: random.Random, data: st.DataObject
) -> None:
    world = settled(World(rng, policy=POLICY), log)
    before = {customer.id: customer for customer in world.living()}
    assume(len(before) > 1)
    one, other = data.draw(st.permutations(sorted(before)))[:2]
    world.ask(MergeCustomers(**head("merge-1"), customer_id=one, other_customer_id=other))
    world.run()
    assert world.answer("merge-1").type == "command.applied"
    keys = {i.identity_key for i in before[other].identities}
    merged = world.customer(min(keys))
    assert {one, other} <= {merged.id, *merged.merged_ids}
    assert world.customers[one if merged.id == other else other].merged_into == merged.id

    world.ask(split(world, keys))
    world.run()
    world.replay()

    def comparable(customer: Any) -> Any:
        return msgspec.structs.replace(customer, version=0, evidence=UNSET)  # it tells of the split

    assert {c.id: comparable(c) for c in world.living()} == {
        own_id: comparable(customer) for own_id, customer in before.items()
    }


@settings(max_examples=examples(20), deadline=None)
@given(logs(), seeds, st.data())
def test_an_erased_person_is_nowhere_and_no_replay_brings_them_back(
    log: list[Observe], rng: random.Random, data: st.DataObject
) -> None:
    world = settled(World(rng, policy=POLICY), log)
    before = fields(world)
    victim = data.draw(st.sampled_from(sorted(world.living(), key=lambda c: c.id)))
    keys = {i.identity_key for i in victim.identities}
    world.ask(EraseCustomer(**head("erase-1"), customer_id=victim.id))
    world.run()
    kept = {field for field in before if not keys & field[0]}
    assert fields(world) == kept
    for message in disturbed(log, rng):
        world.say(message)
    world.run()
    world.replay()

    assert fields(world) == kept
    assert world.answer("erase-1").type == "command.applied"
    said_by_others = {c.key for m in log if m.identity_key not in keys for c in m.claims}
    outputs = (world.customers, world.conversations, world.suggestions, world.facts)
    stored = [*world.nodes.values(), *map(msgspec.json.encode, outputs)]
    for key in keys - said_by_others:
        assert [value for value in stored if key.encode() in value] == []


@settings(max_examples=examples(15), deadline=None)
@given(logs(), seeds, st.data())
def test_an_erased_person_who_writes_again_is_somebody_new(
    log: list[Observe], rng: random.Random, data: st.DataObject
) -> None:
    world = settled(World(rng, policy=POLICY), log)
    victim = data.draw(st.sampled_from(sorted(world.living(), key=lambda c: c.id)))
    key = victim.identities[0].identity_key
    world.ask(EraseCustomer(**head("erase-1"), customer_id=victim.id))
    world.run()
    world.say(said(key, message_id="again", at_ms=LATER_MS + HOUR_MS, name="Dora"))
    world.run()
    world.replay()

    again = world.customer(key)
    assert again.id not in {victim.id, *victim.merged_ids}
    assert again.display_name == "Dora"
    assert [i.identity_key for i in again.identities] == [key]
    assert again.metadata.first_contact_at == moment(LATER_MS + HOUR_MS)
    assert not again.links


@settings(max_examples=examples(20), deadline=None)
@given(logs(), seeds)
def test_confirmed_suggestions_link_and_refused_ones_never_do(
    log: list[Observe], rng: random.Random
) -> None:
    world = settled(World(rng, policy=POLICY), log)
    opened = sorted(
        (s for s in world.suggestions.values() if s.status == "open"), key=lambda s: s.id
    )
    assume(opened)
    suggestion = rng.choice(opened)
    pair = {suggestion.identity_key, suggestion.other_identity_key}
    kind = rng.choice([ConfirmSuggestion, RefuseSuggestion])
    address = rng.choice([suggestion.customer_id, suggestion.other_customer_id])
    assert address is not None
    fields_of = {**head("decide-1"), "customer_id": address, "suggestion_id": suggestion.id}
    command: AnyCustomerCommand = (
        ConfirmSuggestion(**fields_of)
        if kind is ConfirmSuggestion
        else RefuseSuggestion(**fields_of)
    )
    world.ask(command)
    world.run()
    attested = said(min(pair), (max(pair), "contact_shared"), message_id="late", at_ms=LATER_MS + 1)
    world.say(attested)
    world.run()
    world.replay()

    assert world.answer("decide-1").type == "command.applied"
    together = any(
        pair <= {i.identity_key for i in c.identities} | set(_bare(c)) for c in world.living()
    )
    assert together == (kind is ConfirmSuggestion)
    expected = "confirmed" if kind is ConfirmSuggestion else "refused"
    assert world.suggestions[suggestion.id].status == expected


def _bare(customer: Any) -> list[str]:
    """Return the customer's keys that nobody wrote from."""
    ends = [(link.identity_key, link.other_identity_key) for link in customer.links]
    return [end for pair in ends for end in pair]


def test_a_repeated_command_changes_nothing_and_is_answered_alike() -> None:
    world = World()
    world.say(said("phone:+5511999998888", name="Ana"))
    world.run()
    customer = world.customer("phone:+5511999998888")
    update = UpdateCustomer(
        **head("update-1"), customer_id=customer.id, display_name="Ana Maria", add_tags=("vip",)
    )
    world.ask(update)
    world.run()
    once = dict(world.nodes)
    world.ask(update, update)
    world.run()
    assert world.nodes == once
    assert world.answer("update-1").type == "command.applied"
    edited = world.customer("phone:+5511999998888")
    assert (edited.display_name, edited.tags) == ("Ana Maria", ("vip",))


def test_an_agents_name_outranks_a_newer_profile_and_an_import_gives_way_to_it() -> None:
    world = World()
    key = "phone:+5511999998888"
    world.say(said(key, name="ana 🌸"))
    world.run()
    own_id = world.customer(key).id
    world.ask(
        UpdateCustomer(**head("u1"), customer_id=own_id, display_name="Ana Lima"),
        UpdateCustomer(
            **head("u2", LATER_MS + 1),
            customer_id=own_id,
            display_name="LIMA, ANA",
            source="import",
        ),
    )
    world.say(said(key, name="Ana ✈️", message_id="m2", at_ms=LATER_MS + HOUR_MS))
    world.run()
    assert world.customer(key).display_name == "Ana Lima"


def test_a_command_about_nobody_is_refused_with_a_reason() -> None:
    world = World()
    world.ask(EraseCustomer(**head("e1"), customer_id="no-such-id"))
    world.run()
    refused = world.answer("e1")
    assert refused.type == "command.refused"
    assert "no customer no-such-id" in (refused.detail or "")


def test_a_split_that_would_leave_nothing_is_refused() -> None:
    world = World()
    key = "phone:+5511999998888"
    world.say(said(key))
    world.run()
    world.ask(split(world, {key}))
    world.run()
    assert "leave at least one" in (world.answer("split-1").detail or "")


def test_an_edit_goes_with_the_customer_that_was_addressed_when_they_are_split() -> None:
    world = World()
    one, other = "telegram:1", "phone:+5511999998888"
    world.say(said(one, at_ms=START_MS), said(other, at_ms=START_MS + 1, message_id="m2"))
    world.run()
    ids = {key: world.customer(key).id for key in (one, other)}
    world.ask(UpdateCustomer(**head("u1"), customer_id=ids[other], add_tags=("theirs",)))
    world.ask(MergeCustomers(**head("merge"), customer_id=ids[one], other_customer_id=ids[other]))
    world.run()
    world.ask(UpdateCustomer(**head("u2"), customer_id=ids[one], add_tags=("ours",)))
    world.run()
    assert world.customer(one).tags == ("ours", "theirs")
    world.ask(split(world, {other}))
    world.run()
    assert world.customer(one).tags == ("ours",)
    assert world.customer(other).tags == ("theirs",)


def test_a_late_claim_never_rejoins_what_was_split() -> None:
    world = World()
    one, other = "telegram:1", "phone:+5511999998888"
    tie = said(one, (other, "contact_shared"))
    world.say(tie, said(other, message_id="m2"))
    world.run()
    world.ask(split(world, {other}))
    world.say(
        msgspec.structs.replace(tie, message_id="m3", claims=(Claim(other, "vouched_value"),))
    )
    world.run()
    assert world.people() == {frozenset({one}), frozenset({other})}


def test_of_an_erased_person_no_decision_is_left_that_a_faster_clock_dated_later() -> None:
    world = World()
    one, other = "telegram:1", "phone:+5511999998888"
    world.say(said(one, (other, "contact_shared")), said(other, message_id="m2"))
    world.run()
    world.ask(split(world, {other}))
    world.run()
    gone = world.customer(other).id
    world.ask(EraseCustomer(**head("erase-1", LATER_MS - HOUR_MS), customer_id=gone))
    world.run()
    world.replay()
    assert world.people() == {frozenset({one})}
    stored = [*world.nodes.values(), *map(msgspec.json.encode, world.customers.values())]
    assert [value for value in stored if b"decisions" in value and other.encode() in value] == []
