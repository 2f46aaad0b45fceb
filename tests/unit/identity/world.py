"""The nodes on their partitions, without Kafka: batches, interleavings, crashes and replays.

What a worker does to a partition is done here in the same order of effects; what a reader of the
outputs would know is kept beside it.
"""

import random
from collections.abc import Iterable
from zlib import crc32

from pipelines.erasures import Erasures
from streams.contracts.commands import AnyCustomerCommand
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent, ErasedIdentity
from streams.contracts.messages import MessageFact
from streams.contracts.suggestions import LinkSuggestion
from streams.contracts.wire import encode
from streams.identity.addresses import index_address
from streams.identity.graph import fold
from streams.identity.instants import to_ms
from streams.identity.operations import (
    Ask,
    Observe,
    Operation,
    Relate,
    decode_operation,
    encode_operation,
)
from streams.identity.partition import Partition, partition
from streams.identity.policy import Policy
from streams.identity.state import Node, Pointer, Root, decode_node, encode_node
from streams.identity.telling import Forgotten, Record
from tests.unit.identity.builders import ADDRESSES, TENANT

STEPS_AT_MOST = 50_000


class World:
    """A deployment: sources are given with `say` and `ask`, `run` lets all of it happen."""

    def __init__(
        self,
        rng: random.Random | None = None,
        *,
        partitions: int = 3,
        policy: Policy = Policy(),  # noqa: B008 - a frozen value
        crash_rate: float = 0.15,
        rewinds: int = 3,
    ) -> None:
        self.rng = rng or random.Random(0)
        self.policy = policy
        self.crash_rate = crash_rate if rng else 0.0
        self.rewinds = rewinds if rng else 0
        self.logs: list[list[tuple[str, bytes]]] = [[] for _ in range(partitions)]
        self.offsets = [0] * partitions
        self.nodes: dict[str, bytes] = {}
        self.customers: dict[str, Customer] = {}
        self.conversations: dict[str, Conversation] = {}
        self.suggestions: dict[str, LinkSuggestion] = {}
        self.events: dict[str, CustomerEvent] = {}
        self.facts: dict[str, MessageFact] = {}
        self.erased: set[ErasedIdentity] = set()

    def append(self, address: str, operation: Operation) -> None:
        place = crc32(address.encode()) % len(self.logs)
        self.logs[place].append((address, encode_operation(operation)))

    def say(self, *messages: Observe) -> None:
        for message in messages:
            self.append(ADDRESSES.node(message.tenant_id, message.identity_key), message)

    def notice(self, key: str, relate: Relate) -> None:
        self.append(ADDRESSES.node(relate.tenant_id, key), relate)

    def ask(self, *commands: AnyCustomerCommand) -> None:
        for command in commands:
            address = index_address(command.tenant_id, command.customer_id)
            self.append(address, Ask(command=command, at_ms=to_ms(command.issued_at)))

    def run(self) -> None:
        """Process until nothing waits, at every turn a partition by chance."""
        for _ in range(STEPS_AT_MOST):
            waiting = [p for p, log in enumerate(self.logs) if self.offsets[p] < len(log)]
            if not waiting:
                if self.rewinds <= 0:
                    return
                self._rewind()
                continue
            self._step(self.rng.choice(waiting))
        raise AssertionError("the protocol does not come to rest")

    def replay(self) -> None:
        """Read everything again from offset 0, over the state that is there."""
        self.offsets = [0] * len(self.logs)
        self.run()

    def _rewind(self) -> None:
        self.rewinds -= 1
        place = self.rng.randrange(len(self.logs))
        self.offsets[place] = self.rng.randint(0, len(self.logs[place]))

    def _step(self, place: int) -> None:
        """Process a batch of one partition; sometimes the worker dies before it is stored."""
        log, offset = self.logs[place], self.offsets[place]
        batch = log[offset : offset + self.rng.randint(1, 12)]
        by_node: dict[str, list[Operation]] = {}
        for address, value in batch:
            by_node.setdefault(address, []).append(decode_operation(value))
        changed: dict[str, bytes] = {}
        for address, operations in by_node.items():
            stored = self.nodes.get(address)
            node = decode_node(stored) if stored else None
            folded = fold(address, node, operations, self.policy, ADDRESSES)
            for to, operation in folded.operations:
                self.append(to, operation)
            for record in (*folded.records, *folded.facts):
                self._read(record)
            if folded.node is not None:
                changed[address] = encode_node(folded.node)
        if self.rng.random() < self.crash_rate:
            return
        self.nodes |= changed
        self.offsets[place] = offset + len(batch)

    def _read(self, record: Record | MessageFact) -> None:  # noqa: C901 - one branch a kind of record
        """Keep what a reader keeps: the newest version; what was erased never comes back."""
        if isinstance(record, Forgotten):
            if record.output == "customers":
                self.customers.pop(record.id, None)
            elif record.output == "conversations":
                self.conversations.pop(record.id, None)
            else:
                self.suggestions.pop(record.id, None)
        elif isinstance(record, Customer):
            known = self.customers.get(record.id)
            is_erased = any(one.identity_id == record.id for one in self.erased if not one.since)
            if not is_erased and (not known or record.version >= known.version):
                self.customers[record.id] = record
        elif isinstance(record, Conversation | MessageFact) and self.is_erased(record):
            pass
        elif isinstance(record, Conversation):
            self.conversations[record.id] = record
        elif isinstance(record, LinkSuggestion):
            told = self.suggestions.get(record.id)
            if told is None or record.version >= told.version:
                self.suggestions[record.id] = record
        elif isinstance(record, CustomerEvent):
            self.events.setdefault(record.id, record)
            self._erase(record.erased)
        else:
            self.facts[f"{record.channel_id} {record.message_id}"] = record

    def _erase(self, erased: tuple[ErasedIdentity, ...]) -> None:
        if not self.erased.issuperset(erased):
            self.erased |= set(erased)
            self.facts = {k: f for k, f in self.facts.items() if not self.is_erased(f)}
            talks = self.conversations.items()
            self.conversations = {k: c for k, c in talks if not self.is_erased(c)}

    def is_erased(self, record: Conversation | MessageFact) -> bool:
        """Say whether a reader drops the record: it is about an erased identity, of its time."""
        return bool(self.erased) and Erasures(self.erased).cover(encode(record)) is True

    # What came of it

    def roots(self) -> dict[str, Root]:
        nodes: dict[str, Node] = {a: decode_node(v) for a, v in self.nodes.items()}
        for address in nodes:
            self.root_address(nodes, address)
        return {a: node for a, node in nodes.items() if isinstance(node, Root)}

    @staticmethod
    def root_address(nodes: dict[str, Node], address: str) -> str:
        """Follow the pointers; a cycle would never end, and fails."""
        for _ in range(len(nodes) + 1):
            node = nodes.get(address)
            if not isinstance(node, Pointer):
                return address
            address = node.to
        raise AssertionError(f"a cycle of pointers at {address}")

    def parts(self) -> Iterable[tuple[Root, Partition]]:
        return [(root, partition(root, self.policy)) for root in self.roots().values()]

    def living(self) -> list[Customer]:
        """Return the customers as a reader of the outputs knows them, merged ones left out."""
        return [c for c in self.customers.values() if c.status != "merged"]

    def people(self) -> set[frozenset[str]]:
        """Return the identity keys of each customer, as a reader knows them."""
        return {frozenset(i.identity_key for i in c.identities) for c in self.living()}

    def customer(self, key: str, tenant_id: str = TENANT) -> Customer:
        """Return the one living customer of an identity key."""
        (found,) = (
            c
            for c in self.living()
            if c.tenant_id == tenant_id and any(i.identity_key == key for i in c.identities)
        )
        return found

    def answer(self, command_id: str) -> CustomerEvent:
        """Return the event that answered a command."""
        (event,) = (
            e
            for e in self.events.values()
            if e.command_id == command_id and e.type.startswith("command.")
        )
        return event
