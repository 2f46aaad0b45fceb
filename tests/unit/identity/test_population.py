"""Random people with random evidence over partitions that crash, replay and race: the same
customers as a batch computation of connected components makes. Pure.
"""

import random
from collections import defaultdict
from typing import Any

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.identity.operations import Observe
from streams.identity.policy import Policy
from tests.examples import examples
from tests.unit.identity.builders import HOUR_MS, START_MS, said
from tests.unit.identity.world import World

# No guard trips: what they do is order-free too, but an oracle of components knows none.
POLICY = Policy(shared_after=100, shared_after_devices=100)
KEYS = (
    *(f"phone:+55119999988{n}" for n in range(10, 13)),
    *(f"telegram:{n}" for n in range(1, 4)),
    *(f"webchat:w:{n}" for n in range(1, 3)),
    "bsuid:p:BR.1",
    "lid:142902286143727",
    *(f"email:a{n}@example.com" for n in range(2)),
)
RULES = ("same_account", "contact_shared", "vouched_value", "self_declared")

claims = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(RULES)), max_size=2, unique=True)


@st.composite
def logs(draw: st.DrawFn) -> list[Observe]:
    """Return messages of random senders; each id is one message, whoever reads it."""
    count = draw(st.integers(1, 18))
    messages = []
    for number in range(count):
        key = draw(st.sampled_from(KEYS))
        messages.append(
            said(
                key,
                *((other, rule) for other, rule in draw(claims) if other != key),
                message_id=f"m{number}",
                at_ms=START_MS + draw(st.integers(0, 60)) * 7 * HOUR_MS,
                direction=draw(st.sampled_from(["inbound", "inbound", "outbound"])),
                name=draw(st.sampled_from([None, "Ana", "Bia", "Caio"])),
            )
        )
    return messages


def expected_people(log: list[Observe], policy: Policy = POLICY) -> list[set[str]]:
    """Return the connected components of the evidence that links, by observed keys."""
    graph: Any = nx.Graph()
    observed = {message.identity_key for message in log}
    graph.add_nodes_from(observed)
    for message in log:
        for claim in message.claims:
            graph.add_node(claim.key)
            if policy.verdict(claim.rule) == "link":
                graph.add_edge(message.identity_key, claim.key)
    return [part & observed for part in nx.connected_components(graph) if part & observed]


def expected_suggestions(log: list[Observe]) -> set[frozenset[str]]:
    """Return the pairs of different customers' keys that somebody claimed to be one."""
    people = expected_people(log)
    owner = {key: n for n, keys in enumerate(people) for key in keys}
    graph_keys = expected_graph_owner(log)
    return {
        frozenset((message.identity_key, claim.key))
        for message in log
        for claim in message.claims
        if claim.rule == "self_declared"
        and graph_keys[claim.key] in owner.values()
        and graph_keys[claim.key] != owner[message.identity_key]
    }


def expected_graph_owner(log: list[Observe]) -> dict[str, int | None]:
    """Return the customer, by its place, that holds each key that was ever named."""
    people = expected_people(log)
    graph: Any = nx.Graph()
    for message in log:
        graph.add_node(message.identity_key)
        for claim in message.claims:
            graph.add_node(claim.key)
            if POLICY.verdict(claim.rule) == "link":
                graph.add_edge(message.identity_key, claim.key)
    result: dict[str, int | None] = {}
    for part in nx.connected_components(graph):
        place = next((n for n, keys in enumerate(people) if keys & part), None)
        result |= dict.fromkeys(part, place)
    return result


def expected_fields(log: list[Observe]) -> set[tuple[Any, ...]]:
    """Return what is said of each customer, computed from all of their messages at once."""
    by_key: defaultdict[str, list[Observe]] = defaultdict(list)
    for message in log:
        by_key[message.identity_key].append(message)
    result = set()
    for people in expected_people(log):
        theirs = [message for key in people for message in by_key[key]]
        named = [(m.at_ms, m.name) for m in theirs if m.name]
        first = min(theirs, key=lambda m: (m.at_ms, m.channel_id, m.external_id))
        result.add(
            (
                frozenset(people),
                max(named)[1] if named else first.external_id,
                min(m.at_ms for m in theirs),
                max(m.at_ms for m in theirs),
                "active" if any(m.direction == "inbound" for m in theirs) else "contacted",
            )
        )
    return result


def fields(world: World) -> set[tuple[Any, ...]]:
    return {
        (
            frozenset(i.identity_key for i in customer.identities),
            customer.display_name,
            int(customer.created_at.timestamp() * 1000),
            int(customer.metadata.last_seen_at.timestamp() * 1000),
            customer.status,
        )
        for customer in world.living()
    }


def disturbed(log: list[Observe], rng: random.Random) -> list[Observe]:
    """Return the log shuffled, with some of it twice."""
    result = [*log, *rng.choices(log, k=rng.randint(0, len(log)))]
    rng.shuffle(result)
    return result


@settings(max_examples=examples(50), deadline=None)
@given(logs(), st.integers(0, 2**32).map(random.Random), st.integers(1, 4))
def test_any_interleaving_duplication_and_crash_gives_the_components_of_the_evidence(
    log: list[Observe], rng: random.Random, partitions: int
) -> None:
    world = World(rng, partitions=partitions, policy=POLICY)
    for message in disturbed(log, rng):
        world.say(message)
        if rng.random() < 0.3:
            world.run()
    world.run()

    assert fields(world) == expected_fields(log)
    assert {frozenset(keys) for keys in expected_people(log)} == {
        frozenset(key for key, _ in component.seeds)
        for _, parts in world.parts()
        for component in parts.components.values()
    }
    opened = {
        frozenset((s.identity_key, s.other_identity_key))
        for s in world.suggestions.values()
        if s.status == "open"
    }
    assert opened == expected_suggestions(log)


def test_who_says_first_of_the_other_that_they_are_one_is_still_asked_about() -> None:
    """The evidence turns: each of two says it of the other, and the earlier word comes last."""
    later, earlier = START_MS + HOUR_MS, START_MS
    log = [
        said("phone:+5511999998810", ("phone:+5511999998811", "same_account"), message_id="m1"),
        said(
            "telegram:1",
            ("phone:+5511999998811", "self_declared"),
            message_id="m2",
            at_ms=later,
        ),
        said(
            "phone:+5511999998811",
            ("telegram:1", "self_declared"),
            message_id="m3",
            at_ms=earlier,
        ),
    ]
    world = World(policy=POLICY)
    for message in log:
        world.say(message)
        world.run()

    opened = [one for one in world.suggestions.values() if one.status == "open"]
    assert [(one.identity_key, one.message_id) for one in opened] == [("telegram:1", "m3")]
