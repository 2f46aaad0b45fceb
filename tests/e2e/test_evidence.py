"""One shuffled, duplicated log of people with several accounts, through two workers and a forced
rebalance: the customers that connected components make of the evidence.

Real: the broker, the worker processes, RocksDB, the changelog. The oracle knows nothing of roots,
pointers and operations: networkx puts together what the messages' evidence ties together.
"""

import random
import signal
from collections import defaultdict
from collections.abc import Iterable
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import Channel, Identifier, Message, MessageFact
from streams.contracts.wire import encode
from streams.identity.instants import parse_ms
from streams.identity.normalise import normalise
from streams.identity.operations import Observe
from streams.identity.policy import Policy
from streams.lag import WorkerLag
from streams.topic_admin import ensure_topics
from streams.topics import TopicSpec
from tests.e2e.harness import WorkerProcess, read, running, send, wait_until
from tests.hard_cases.platforms import EMAIL, SMS, TELEGRAM, WEB_CHAT, WHATSAPP, inbound, moment
from tests.unit.identity.test_population import expected_fields, expected_people

pytestmark = pytest.mark.kafka

POLICY = Policy()
PEOPLE = 250
MESSAGES = 3_000
_RULES = {
    "phone": "contact_shared",
    "bsuid": "same_account",
    "telegram": "contact_shared",
    "email": "vouched_value",
    "identity": "account_moved",
}


@pytest.fixture
def partitions() -> int:
    """Give so many that two workers have some each, and some stay where they are."""
    return 4


def accounts(person: int, rng: random.Random) -> list[tuple[Channel, str, str, str]]:
    """Return some accounts of a person: channel, external id, and how others name it."""
    number = f"551198{person:07d}"
    found = [
        (WHATSAPP, number, "phone", f"+{number}"),
        (SMS, f"+{number}", "phone", f"+{number}"),
        (WHATSAPP, f"BR.{10**15 + person}", "bsuid", f"BR.{10**15 + person}"),
        (TELEGRAM, f"{50_000_000 + person}", "telegram", f"{50_000_000 + person}"),
        (EMAIL, f"p{person}@example.com", "email", f"p{person}@example.com"),
        (WEB_CHAT, f"visitor-{person}", "identity", f"visitor-{person}"),
    ]
    return rng.sample(found, rng.randint(1, 4))


def population(rng: random.Random) -> list[Message]:
    """Return what people write, each message now and then saying who else its sender is."""
    people = [accounts(person, rng) for person in range(PEOPLE)]
    minutes = rng.sample(range(60 * 24 * 40), MESSAGES)  # no two at once: the newest name is one
    messages = []
    for minute in minutes:
        own = rng.choice(people)
        channel, external_id, _, _ = rng.choice(own)
        said = rng.sample(own, rng.randint(0, min(2, len(own))))
        if rng.random() < 0.005:  # two people who are one after all
            # Not by a platform's word that a number has another's account: that is a guard's case.
            other = [one for one in rng.choice(people) if one[2] != "bsuid"]
            said += other[:1]
        identifiers = tuple(
            Identifier(kind=kind, value=value, rule=_RULES[kind])  # type: ignore[arg-type]
            for _, _, kind, value in said
            if channel is WEB_CHAT or kind != "identity"  # an id of the same channel
        )
        messages.append(
            inbound(
                channel,
                external_id,
                at=moment(minutes=minute),
                identifiers=identifiers,
                profile_name=rng.choice([None, "Ana", "Bia", "Caio", "Duda"]),
            )
        )
    return messages


def disturbed(messages: list[Message], rng: random.Random) -> list[tuple[bytes, bytes]]:
    """Return the log shuffled, a third of it twice, over all partitions."""
    log = [*messages, *rng.choices(messages, k=len(messages) // 3)]
    rng.shuffle(log)
    numbers = count()
    return [(str(next(numbers)).encode(), encode(message)) for message in log]


def observations(messages: Iterable[Message]) -> list[Observe]:
    """Return what each message alone says, by the pure normaliser."""
    found = []
    for message in messages:
        at_ms = parse_ms(message.timestamp)
        assert at_ms is not None
        outcome = normalise(message, at_ms, POLICY)
        assert isinstance(outcome, tuple)
        assert isinstance(outcome[1], Observe)
        found.append(outcome[1])
    return found


def newest(cluster: ClusterSettings, topic: TopicSpec, kind: Any) -> dict[str, Any]:
    """Return what a reader of a compacted topic holds at its end."""
    held: dict[str, Any] = {}
    for key, value in read(cluster, topic):
        assert key is not None
        assert value is not None
        held[key.decode()] = msgspec.json.decode(value, type=kind)
    return held


def fields(customer: Customer) -> tuple[Any, ...]:
    """Return what the oracle says of a customer too."""
    return (
        frozenset(i.identity_key for i in customer.identities),
        customer.display_name,
        int(customer.created_at.timestamp() * 1000),
        int(customer.metadata.last_seen_at.timestamp() * 1000),
        customer.status,
    )


def sessions(messages: Iterable[Observe]) -> set[frozenset[str]]:
    """Return the ids of the messages of each conversation: by channel identity, cut at the gap."""
    by_sender: defaultdict[tuple[str, str], list[Observe]] = defaultdict(list)
    for message in messages:
        by_sender[message.channel_id, message.external_id].append(message)
    found = set()
    for theirs in by_sender.values():
        theirs.sort(key=lambda m: m.at_ms)
        session = [theirs[0].message_id]
        for earlier, later in pairwise(theirs):
            if later.at_ms - earlier.at_ms > POLICY.conversation_gap_ms:
                found.add(frozenset(session))
                session = []
            session.append(later.message_id)
        found.add(frozenset(session))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_any_log_through_two_workers_and_a_rebalance_gives_what_the_evidence_says(
    cluster: ClusterSettings, tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    messages = population(rng)
    log = disturbed(messages, rng)
    ensure_topics(cluster)
    first, second = (WorkerProcess(cluster, tmp_path, name) for name in ("one", "two"))
    with running(first), WorkerLag(cluster) as lag:
        send(cluster, topics.MESSAGES_INBOUND, log[: len(log) // 3])
        wait_until(lambda: lag.processed(topics.INTERACTIONS) > 0, "the first worker works")
        with running(second):
            send(cluster, topics.MESSAGES_INBOUND, log[len(log) // 3 : 2 * len(log) // 3])
            wait_until(
                lambda: any(second.folder.glob("state/faust/**/*.db")), "the second has partitions"
            )
            first.stop(signal.SIGKILL)
            send(cluster, topics.MESSAGES_INBOUND, log[2 * len(log) // 3 :])
            first.start()
            wait_until(lambda: lag.remaining() == 0, "both caught up")

    expected = observations(messages)
    customers = newest(cluster, topics.CUSTOMERS, Customer)
    living = [c for c in customers.values() if c.status != "merged"]
    assert len(living) < len(customers), "nobody was merged: the log shows nothing"
    events = [
        msgspec.json.decode(value or b"", type=CustomerEvent)
        for _, value in read(cluster, topics.CUSTOMER_EVENTS)
    ]
    assert not [e for e in events if e.type == "guard.tripped"], "the oracle knows no guards"
    assert {frozenset(p) for p in expected_people(expected, POLICY)} == {
        frozenset(i.identity_key for i in c.identities) for c in living
    }, f"seed {seed}: the customers are not the components of the evidence"
    assert {fields(c) for c in living} == expected_fields(expected), f"seed {seed}: other fields"

    owner = {i.identity_key: c.id for c in living for i in c.identities}
    for merged in (c for c in customers.values() if c.status == "merged"):
        (survivor,) = {owner[i.identity_key] for i in merged.identities}
        assert _end(customers, merged.id) == survivor, f"seed {seed}: {merged.id} leads elsewhere"

    facts = [
        msgspec.json.decode(value or b"", type=MessageFact)
        for _, value in read(cluster, topics.CUSTOMER_MESSAGES)
    ]
    assert {f.message_id for f in facts} == {m.message_id for m in messages}
    conversations = newest(cluster, topics.CONVERSATIONS, Conversation)
    held: defaultdict[str, set[str]] = defaultdict(set)
    for fact in facts:
        assert fact.conversation_id is not None
        held[_end(conversations, fact.conversation_id)].add(fact.message_id)
    assert {frozenset(ids) for ids in held.values()} == sessions(expected), f"seed {seed}: sessions"
    for fact in facts:
        assert fact.customer_id is not None
        assert _end(customers, fact.customer_id) == owner[fact.identity_key]


def _end(records: dict[str, Any], own_id: str) -> str:
    """Return where a merged id leads in the end; no way is a circle."""
    seen = {own_id}
    while (further := records[own_id].merged_into) is not None:
        assert further not in seen, f"{own_id} leads in a circle"
        seen.add(further)
        own_id = further
    return own_id
