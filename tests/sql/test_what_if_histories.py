"""What is told of a policy after any history, beside what the core does once it is set and all have
been heard from: the same people, under the same ids. All of it real but Kafka.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.contracts.commands import (
    AnyCustomerCommand,
    ConfirmSuggestion,
    EraseCustomer,
    MergeCustomers,
    RefuseSuggestion,
    SplitCustomer,
    UpdateCustomer,
)
from streams.contracts.customers import Customer
from streams.contracts.policies import Verdict
from streams.identity.operations import Observe
from streams.identity.owners import bare_key
from streams.identity.policy import Policy
from streams.identity.what_if import Known, Outcome, outcome
from tests.examples import examples
from tests.sql.test_what_if import STRICT, VERDICTS, told
from tests.unit.identity.builders import DAY_MS, HOUR_MS, START_MS, moment, observe, said
from tests.unit.identity.test_population import KEYS
from tests.unit.identity.test_undoing import head
from tests.unit.identity.world import World

RULES: Final = (
    "same_account",
    "contact_shared",
    "vouched_value",
    "self_declared",
    "signed_reference",
    "agent_value",
)
# Nobody writes from these, but people are said to have them.
SILENT: Final = ("bsuid:p:BR.2", "lid:142902286143728", "telegram:77")

People = set[frozenset[str]]


def weighed(rng: random.Random, policy: Policy, rules: int, *verdicts: Verdict) -> Policy:
    """Return the policy with other verdicts on so many rules, and often with other guards."""
    changed = {rng.choice(RULES): rng.choice(verdicts) for _ in range(rules)}
    policy = replace(policy, rules={**policy.rules, **changed})
    if rng.random() < 0.3:
        few, devices = rng.choice([1, 2, 3, 100]), rng.choice([1, 2, 100])
        policy = replace(policy, shared_after=few, shared_after_devices=devices)
    return policy


def messages(rng: random.Random, name: str, begun_ms: int, count: int) -> list[Observe]:
    """Return messages of anybody, who is said to be anybody, some of them months apart."""
    result = []
    for number in range(count):
        key = rng.choice(KEYS)
        claims = {claim(rng, key) for _ in range(rng.choice([0, 0, 1, 1, 2]))}
        result.append(
            said(
                key,
                *sorted(one for one in claims if one is not None),
                message_id=f"{name}{number}",
                at_ms=begun_ms + rng.randrange(60) * rng.choice([7 * HOUR_MS, 3 * DAY_MS]),
                direction=rng.choice(["inbound", "inbound", "outbound"]),
                name=rng.choice([None, "Ana", "Bia"]),
            )
        )
    return result


def claim(rng: random.Random, key: str) -> tuple[str, str] | None:
    rule = rng.choice(RULES[:-1])
    other = rng.choice((*KEYS, *SILENT))
    if rule == "signed_reference":
        other = f"reference:crm-{rng.randrange(3)}"
    return None if other == key else (other, rule)


def decision(
    world: World, rng: random.Random, ordered: dict[str, Any]
) -> AnyCustomerCommand | None:
    """Return what somebody decides who sees the customers that there are; None where there is
    nothing of the kind to decide.
    """
    living = sorted(world.living(), key=lambda customer: customer.id)
    asked = [s for _, s in sorted(world.suggestions.items()) if s.status == "open"]
    if not living:
        return None
    one, other = rng.choice(living), rng.choice(living)
    kinds: list[Callable[[], AnyCustomerCommand | None]] = [
        lambda: _split(rng, living, ordered),
        lambda: _split(rng, living, ordered),
        lambda: _later_owner(world, rng, living, ordered),
        lambda: _later_owner(world, rng, living, ordered),
        lambda: MergeCustomers(**ordered, customer_id=one.id, other_customer_id=other.id),
        lambda: EraseCustomer(**ordered, customer_id=one.id),
        lambda: UpdateCustomer(
            **ordered, customer_id=one.id, add_phone=rng.choice(KEYS[:3]).removeprefix("phone:")
        ),
    ]
    if asked:
        question = rng.choice(asked)
        about = {**ordered, "customer_id": question.customer_id, "suggestion_id": question.id}
        kinds += [lambda: RefuseSuggestion(**about), lambda: ConfirmSuggestion(**about)] * 2
    return rng.choice(kinds)()


def _split(
    rng: random.Random, living: list[Customer], ordered: dict[str, Any]
) -> SplitCustomer | None:
    several = [c for c in living if len({i.identity_key for i in c.identities}) > 1]
    if not several:
        return None
    one = rng.choice(several)
    keys = sorted({identity.identity_key for identity in one.identities})
    taken = tuple(sorted(rng.sample(keys, rng.randint(1, len(keys) - 1))))
    return SplitCustomer(**ordered, customer_id=one.id, identity_keys=taken)


def _later_owner(
    world: World, rng: random.Random, living: list[Customer], ordered: dict[str, Any]
) -> SplitCustomer | None:
    """Return a split of a number by time, after a silence of it."""
    starts = [
        (customer.id, bare_key(identity.identity_key), span.first_at_ms)
        for root in world.roots().values()
        for identity in root.identities.values()
        for span in identity.spans[1:]
        for customer in living
        if any(i.identity_key == bare_key(identity.identity_key) for i in customer.identities)
    ]
    if not starts:
        return None
    own_id, key, since_ms = rng.choice(starts)
    return SplitCustomer(
        **ordered, customer_id=own_id, identity_keys=(key,), since=moment(since_ms)
    )


def lived(rng: random.Random, policy: Policy) -> World:
    """Return a world with a history of evidence and decisions."""
    world = World(rng, policy=policy)
    world.say(*messages(rng, "m", START_MS, rng.randint(1, 18)))
    world.run()
    for number in range(rng.randint(0, 5)):
        at_ms = START_MS + (1000 + number) * HOUR_MS
        if (command := decision(world, rng, head(f"d{number}", at_ms))) is not None:
            world.ask(command)
        if rng.random() < 0.3:
            world.say(*messages(rng, f"after {number}, ", at_ms, rng.randint(1, 4)))
        world.run()
    return world


def heard_from(world: World, policy: Policy) -> None:
    """Have the policy set, and everybody say something without meaning."""
    world.policy = policy
    for turn in range(2):
        known = {i.identity_id: i for c in world.living() for i in c.identities}
        for own_id, identity in sorted(known.items()):
            world.say(
                observe(
                    f"{own_id} {turn}",
                    identity_key=identity.identity_key,
                    external_id=identity.external_id,
                    channel_id=identity.channel_id,
                    channel_type=identity.channel_type,
                    at_ms=int(identity.last_seen_at.timestamp() * 1000) + 1,
                )
            )
        world.run()


def people(world: World) -> People:
    """Return the identities of each customer: a number's owners have one each."""
    return {frozenset(i.identity_id for i in c.identities) for c in world.living()}


def predicted(world: World, known: Known, found: Outcome) -> People:
    """Return who would be one: those of whom nothing is said stay as they are."""
    ids = {one.key: one.id for held in known.customers.values() for one in held}
    told_people = {frozenset(ids[key] for key in keys) for keys in found.people}
    return told_people | {one for one in people(world) if one.isdisjoint(ids.values())}


def ids_then(world: World, found: Outcome) -> set[str]:
    """Return the ids of the customers that there would be, by the changes told."""
    ids = {customer.id for customer in world.living()}
    ids |= {one.other_customer_id for one in found.changes if one.kind == "split"}
    return ids - {one.other_customer_id for one in found.changes if one.kind == "merge"}


@settings(max_examples=examples(6), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32).map(random.Random))
def test_after_any_history_what_is_told_of_a_policy_is_what_happens(rng: random.Random) -> None:
    current = weighed(rng, STRICT, rng.choice([0, 0, 2]), *VERDICTS)
    proposed = weighed(rng, current, rng.choice([1, 1, 2, 3]), *VERDICTS)
    world = lived(rng, current)
    before, known = people(world), told(world)
    now, then = outcome(known, current), outcome(known, proposed)
    assert (now.changes, now.untold, then.untold) == ((), {}, {})
    assert predicted(world, known, now) == before

    expected, expected_ids = predicted(world, known, then), ids_then(world, then)
    heard_from(world, proposed)
    assert people(world) == expected
    assert {customer.id for customer in world.living()} == expected_ids
    kinds = Counter(change.kind for change in then.changes)
    assert len(expected) == len(before) - kinds["merge"] + kinds["split"]
