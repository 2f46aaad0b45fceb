"""Interactions a second of the pure core on one core, for phone customers who are known.

From the bytes of operations and nodes to the bytes of records, nodes and operations: all that the
worker does between a fetched batch and the first send, but for reading RocksDB.
"""

import gc
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice, repeat
from time import thread_time
from typing import Final

import msgspec
from aiokafka.structs import ConsumerRecord

import streams.app  # noqa: F401 - so that the collector looks through as much as in the worker
from bench.claims import print_circumstances, print_claim
from bench.costs import print_costs
from bench.nodes import ADDRESSES, INTERACTIONS, NAMES, POLICIES, Nodes, Operation, fetched
from streams import topics
from streams.contracts.wire import encode
from streams.engine import collector
from streams.folds import TOGETHER
from streams.identity.facts import written
from streams.identity.graph import fold
from streams.identity.operations import Observe, decode_operation, encode_operation
from streams.identity.state import Node, decode_node, encode_node
from streams.identity.telling import Forgotten
from streams.identity.usual import moved, told
from streams.traffic.plan import TrafficPlan
from streams.traffic.population import Population
from streams.traffic.run import TrafficRun
from streams.translation import Translate

FLOOR = 60_000.0  # interactions a second
ROUNDS = 5
MEASURED = 50_000  # interactions a round
PEOPLE = 35_000  # of whom about 20,000 write from a phone number
# A fetch of a partition that lags brings up to 4 MiB (streams/app.py), in Kafka's batches of up to
# 512 KiB: 10,000 operations of these. Half of it, so that no full fetch is needed for the claim.
BATCH = 5_000
# One conversation each, so many days ago: what is known when the measured day begins.
EARLIER_DAYS: Final = (9, 6, 3)
END: Final = datetime(2026, 11, 1, tzinfo=UTC)
_DAY_MS: Final = 24 * 60 * 60 * 1000

Batches = Sequence[Sequence[Operation]]


def observed() -> Iterator[tuple[Operation, Observe]]:
    """Yield a day's operations of people who write from phone numbers, as they arrive."""
    translate = Translate(NAMES, POLICIES.of, ADDRESSES)
    inbound = NAMES(topics.MESSAGES_INBOUND)
    for record in TrafficRun(Population(TrafficPlan(end=END, people=PEOPLE, days=1))):
        at_ms = int(record.sent_at.timestamp() * 1000)
        fetched_record = ConsumerRecord(
            inbound, 0, 0, at_ms, 0, record.key, record.value, 0, 0, 0, ()
        )
        for out in translate([fetched_record]).records:
            if out.topic == INTERACTIONS and out.value is not None:
                operation = decode_operation(out.value)
                if isinstance(operation, Observe) and operation.identity_key.startswith("phone:"):
                    yield (out.key, out.value, at_ms), operation


def earlier(observations: Iterable[tuple[Operation, Observe]]) -> Iterator[Operation]:
    """Yield the messages that made every identity known, the oldest first."""
    # Of each identity one that it wrote itself, if any: it brings the name.
    known = {
        (operation[0], observe.channel_id): observe
        for operation, observe in sorted(observations, key=lambda pair: pair[1].direction)[::-1]
    }
    for days in EARLIER_DAYS:
        for (key, _), observe in known.items():
            at_ms = observe.at_ms - days * _DAY_MS
            said = msgspec.structs.replace(
                observe,
                message_id=f"{observe.message_id}.{days}",
                direction="inbound",
                at_ms=at_ms,
                received_at_ms=at_ms,
            )
            yield key, encode_operation(said), at_ms


def in_batches(operations: Iterable[Operation], size: int) -> Batches:
    """Return whole batches; what is left over is not measured."""
    operations = iter(operations)
    batches = iter(lambda: list(islice(operations, size)), [])
    return [batch for batch in batches if len(batch) == size]


def one_a_customer(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield each customer's first message alone: no batch has two of one."""
    seen: set[bytes] = set()
    for operation in operations:
        if operation[0] not in seen:
            seen.add(operation[0])
            yield operation


def repetition(batches: Batches) -> float:
    """Return the mean messages of a customer in a batch that has any."""
    return statistics.mean(len(batch) / len({key for key, _, _ in batch}) for batch in batches)


def micros(known: dict[bytes, bytes | None], batches: Batches) -> float:
    """Return the microseconds of an interaction; every one of them must end as a fact."""
    nodes = Nodes(dict(known))
    facts, events = NAMES(topics.CUSTOMER_MESSAGES), NAMES(topics.CUSTOMER_EVENTS)
    seconds, count = 0.0, 0
    gc.collect()  # each round starts alike; from here on it runs as it does in the worker
    for batch in batches:
        records = fetched(batch)
        started = thread_time()
        effects = nodes.step(records)
        seconds += thread_time() - started
        count += len(records)
        sent = Counter(out.topic for out in effects.every_record())
        if sent[facts] != len(records):
            raise AssertionError("not every interaction became a message fact")
        if sent[events] or sent[INTERACTIONS]:
            raise AssertionError("not every customer was known")
    return seconds / count * 1e6


def pieces(known: dict[bytes, bytes | None], batches: Batches) -> dict[str, float]:
    """Return the microseconds of an interaction in each piece of the step, in the step's order."""
    nodes = Nodes(dict(known))
    spent: defaultdict[str, float] = defaultdict(float)
    gc.collect()
    for batch in batches:
        records = fetched(batch)
        started = thread_time()
        gathered, _ = nodes.fold.gather(records)
        spent["gather"] += thread_time() - started
        touched = iter(gathered.items())
        others: list[tuple[bytes, Node]] = []
        while some := list(islice(touched, TOGETHER)):
            values = [nodes.table[key] or b"" for key, _ in some]
            started = thread_time()
            operations = [
                [decode_operation(record.value or b"") for record in said] for _, said in some
            ]
            read = thread_time()
            befores = [decode_node(value) for value in values]
            decoded = thread_time()
            moves = list(map(moved, befores, operations, repeat(POLICIES.of)))
            joined = thread_time()
            told([move for move in moves if move])
            wrote = thread_time()
            became = [
                (key, encode_node(move.root))
                for (key, _), move in zip(some, moves, strict=True)
                if move
            ]
            spent["encode nodes"] += thread_time() - wrote
            spent["write records and facts"] += wrote - joined
            spent["join messages"] += joined - decoded
            spent["decode nodes"] += decoded - read
            spent["decode operations"] += read - started
            nodes.table.update(became)
            unusual = zip(some, befores, moves, strict=True)
            others += [(key, before) for (key, _), before, move in unusual if not move]
            del operations, befores, moves, unusual  # as the worker has no more
        started = thread_time()
        for key, before in others:
            address = key.decode()
            said = [decode_operation(record.value or b"") for record in gathered[key]]
            folded = fold(address, before, said, POLICIES.of(address.partition("/")[0]), ADDRESSES)
            for record in folded.records:
                if not isinstance(record, Forgotten):
                    encode(record)
            written(folded.messages)
            if folded.node is not None:
                nodes.table[key] = encode_node(folded.node)
        spent["whoever is not usual"] += thread_time() - started
    count = sum(map(len, batches))
    return {piece: seconds / count * 1e6 for piece, seconds in spent.items()}


def print_rate(title: str, known: dict[bytes, bytes | None], batches: Batches) -> float:
    """Print what an interaction takes and of what that is made; return interactions a second."""
    rounds = [micros(known, batches) for _ in range(ROUNDS)]
    whole = statistics.median(rounds)
    found = [pieces(known, batches) for _ in range(ROUNDS)]
    parts = {piece: statistics.median(one[piece] for one in found) for piece in found[0]}
    parts["the rest"] = whole - sum(parts.values())
    print(
        f"{title}: {sum(map(len, batches)):,} interactions in batches of {len(batches[0]):,}, "
        f"{repetition(batches):.2f} a customer and batch: {1e6 / whole:,.0f} interactions/s, "
        f"{whole:.2f} µs each (rounds from {min(rounds):.2f} to {max(rounds):.2f})"
    )
    print("  µs of it:", ", ".join(f"{piece} {part:.2f}" for piece, part in parts.items()))
    return 1e6 / whole


def main() -> None:
    """Measure known customers as traffic has them and as it never has, then the rarer steps."""
    collector.settle()  # as the worker does
    print_circumstances("msgspec", "aiokafka")
    observations = list(observed())
    operations = [operation for operation, _ in observations]
    nodes = Nodes()
    nodes.settle(list(earlier(observations)), BATCH)
    del observations
    known = nodes.table
    people = len({key for key, _, _ in operations})
    print(
        f"known: {people:,} phone customers of {len(EARLIER_DAYS)} conversations, "
        f"{len(known):,} nodes; then {len(operations):,} messages of a day of streams.traffic, "
        f"{statistics.mean(len(key) + len(value) for key, value, _ in operations):.0f} bytes each"
    )
    rate = print_rate("traffic", known, in_batches(operations[-MEASURED:], BATCH))
    # A tenth of the batch repeats as the whole batch would of traffic ten times as dense.
    print_rate("traffic ten times as dense", known, in_batches(operations[-MEASURED:], BATCH // 10))
    print_rate("nobody twice", known, in_batches(one_a_customer(operations), BATCH))
    print_costs()
    print_claim("core_interactions_per_second", value=rate, unit="interactions/s", floor=FLOOR)


if __name__ == "__main__":
    main()
