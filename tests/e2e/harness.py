"""Workers as processes, records in and out of a real broker, and the pure answer beside it."""

import asyncio
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition
from rocksdict import Options, Rdict

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.customers import Customer
from streams.contracts.messages import MessageFact
from streams.contracts.wire import encode
from streams.engine.batches import OutRecord
from streams.engine.producer import BulkProducer
from streams.folds import IdentityFold
from streams.identity.addresses import Addresses
from streams.identity.policy import Policy
from streams.lag import WorkerLag
from streams.outbox import TopicNames
from streams.topics import TopicSpec, full_name
from streams.translation import Translate
from tests.e2e import worker_main
from tests.e2e.forked import ForkedProcess

DEADLINE_SECONDS = 90


class NotInTimeError(AssertionError):
    """What was waited for did not come in time."""


def wait_until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Return once the condition holds; fail with what was waited for when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NotInTimeError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)


class WorkerProcess:
    """A worker with its own state folder; the same name gets its partitions back at once."""

    def __init__(self, cluster: ClusterSettings, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.log_file = self.folder / "worker.log"
        self._env = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
            "KAFKA_TOPIC_PREFIX": cluster.topic_prefix,
            "OMNICHANNEL_STATE_FOLDER": str(self.folder / "state"),
            "OMNICHANNEL_LOG_FILE": str(self.log_file),
            "WORKER_INSTANCE_ID": name,
            "WORKER_SESSION_TIMEOUT_SECONDS": "6",
            "WORKER_COMMIT_INTERVAL_SECONDS": "0.3",
        }
        self._process: ForkedProcess | None = None

    def start(self, **env: str) -> None:
        """Start the process; `env` is set on top, e.g. KILL_AT."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = ForkedProcess(
            worker_main.main, {**self._env, **env}, self.folder / "output.txt"
        )

    def wait_for_death(self) -> int:
        """Return the exit code once the process has ended by itself."""
        assert self._process is not None
        return self._process.wait(DEADLINE_SECONDS)

    def has_said(self, words: str) -> bool:
        """Say whether the words are in the worker's log."""
        return self.log_file.exists() and words in self.log_file.read_text()

    def is_stopped(self) -> bool:
        """Say whether the process sleeps under SIGSTOP."""
        assert self._process is not None
        stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] == "T"

    def send(self, how: signal.Signals) -> None:
        """Send the process a signal."""
        assert self._process is not None
        self._process.send_signal(how)

    def is_alive(self) -> bool:
        """Say whether the process runs."""
        return self._process is not None and self._process.is_alive()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the process and wait for its end."""
        if self._process is None or not self._process.is_alive():
            return
        self._process.send_signal(how)
        try:
            self._process.wait(30)
        except TimeoutError:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            raise

    def nodes(self) -> dict[bytes, bytes]:
        """Return everything that the stopped worker's RocksDB holds, but its offsets."""
        nodes: dict[bytes, bytes] = {}
        for path in sorted(self.folder.glob("state/faust/**/*.db")):
            database = Rdict(str(path), options=Options(raw_mode=True))
            nodes.update({k: v for k, v in database.items() if not k.startswith(b"__faust")})
            database.close()
        return nodes


@contextmanager
def running(worker: WorkerProcess, **env: str) -> Iterator[WorkerProcess]:
    """Run the worker for the length of the block."""
    worker.start(**env)
    try:
        yield worker
    finally:
        worker.stop()


def send(cluster: ClusterSettings, topic: TopicSpec, values: Iterable[tuple[bytes, bytes]]) -> None:
    """Have all (key, value) acknowledged on the topic."""
    name = full_name(topic, cluster.topic_prefix)
    records = [OutRecord(name, key, value) for key, value in values]

    async def produce() -> None:
        producer = AIOKafkaProducer(
            **cluster.client_options(), acks="all", max_batch_size=512 * 1024
        )
        await producer.start()
        try:
            await BulkProducer(producer).send(records)
        finally:
            await producer.stop()

    asyncio.run(produce())


def read(cluster: ClusterSettings, topic: TopicSpec) -> list[tuple[bytes | None, bytes | None]]:
    """Return every record of the topic, partition by partition in order."""
    name = full_name(topic, cluster.topic_prefix)
    consumer: Any = KafkaConsumer(**cluster.client_options(), enable_auto_commit=False)
    try:
        partitions = [TopicPartition(name, p) for p in range(cluster.topic_partitions)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning(*partitions)
        by_partition: defaultdict[Any, list[Any]] = defaultdict(list)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while any(consumer.position(p) < ends[p] for p in partitions):
            if time.monotonic() > deadline:
                raise NotInTimeError(f"reading {name} to its end")
            for partition, records in consumer.poll(timeout_ms=500, max_records=50_000).items():
                by_partition[partition] += records
        return [(r.key, r.value) for p in partitions for r in by_partition[p]]
    finally:
        consumer.close()


def wait_until_processed(cluster: ClusterSettings) -> None:
    """Return once the workers have processed and committed all that was sent."""
    with WorkerLag(cluster) as lag:
        wait_until(lambda: lag.remaining() == 0, "the workers caught up")


@dataclass(frozen=True)
class Answer:
    """What came out: customers by id (version apart) and whose each message is."""

    customers: dict[str, dict[str, Any]]
    messages: dict[tuple[str, str, str], str | None]


def answer_of(customers: Iterable[Customer], facts: Iterable[MessageFact]) -> Answer:
    """Return the answer in comparable form: the newest record of each customer."""
    newest: dict[str, Customer] = {}
    for customer in customers:
        known = newest.get(customer.id)
        if known is None or customer.version >= known.version:
            newest[customer.id] = customer
    return Answer(
        {key: _without_history(customer) for key, customer in newest.items()},
        {(f.tenant_id, f.channel_id, f.message_id): f.customer_id for f in facts},
    )


def _without_history(customer: Customer) -> dict[str, Any]:
    """Return it apart from how many operations made it, and from the order in which they came."""
    fields: dict[str, Any] = msgspec.to_builtins(customer)
    del fields["version"]
    fields.get("evidence", {}).pop("rankedAt", None)
    if not fields.get("evidence"):
        fields.pop("evidence", None)
    return fields


def answer_on(cluster: ClusterSettings) -> Answer:
    """Return what the workers said on the broker."""
    customers = [
        msgspec.json.decode(value, type=Customer)
        for _, value in read(cluster, topics.CUSTOMERS)
        if value is not None
    ]
    facts = [
        msgspec.json.decode(value, type=MessageFact)
        for _, value in read(cluster, topics.CUSTOMER_MESSAGES)
        if value is not None
    ]
    return answer_of(customers, facts)


@dataclass
class _Record:
    offset: int
    key: bytes | None
    value: bytes | None
    topic: str = "log"
    partition: int = 0
    timestamp: int = 1_893_456_000_000  # 2030: no message of a test is later
    headers: Sequence[tuple[str, bytes]] = ()


def pure_answer(values: Sequence[bytes]) -> Answer:
    """Return what one uninterrupted worker would say, by the pure folds alone."""
    names = TopicNames("")
    policy, addresses = Policy(), Addresses("")
    translate = Translate(names, lambda _: policy, addresses)
    fold = IdentityFold(names, lambda _: policy, addresses)
    waiting = translate([_Record(n, None, value) for n, value in enumerate(values)]).records
    nodes: dict[bytes, bytes | None] = {}
    customers: list[Customer] = []
    facts: list[MessageFact] = []
    while waiting := [r for r in waiting if r.topic == topics.INTERACTIONS.name]:
        gathered, keys = fold.gather([_Record(n, r.key, r.value) for n, r in enumerate(waiting)])
        effects = fold.decide(gathered, [nodes.get(key) for key in keys])
        nodes |= effects.changes
        every = list(effects.every_record())
        customers += [
            msgspec.json.decode(r.value, type=Customer)
            for r in every
            if r.topic == topics.CUSTOMERS.name and r.value is not None
        ]
        facts += [
            msgspec.json.decode(r.value or b"", type=MessageFact)
            for r in every
            if r.topic == topics.CUSTOMER_MESSAGES.name
        ]
        waiting = every
    return answer_of(customers, facts)


def encoded(messages: Iterable[Any]) -> list[bytes]:
    """Return the messages as they travel."""
    return [encode(message) for message in messages]
