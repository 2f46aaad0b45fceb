"""A million people who wrote, for benchmarks: names repeat as they do, and surnames are rare."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from aiokafka import AIOKafkaProducer

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.customers import Customer, CustomerIdentity, CustomerMetadata
from streams.contracts.messages import MessageFact
from streams.contracts.wire import encode
from streams.engine.batches import OutRecord
from streams.engine.producer import BulkProducer

END = datetime(2026, 11, 1, tzinfo=UTC)
CHANNELS = (
    ("wa-1", "whatsapp"),
    ("wa-1", "whatsapp"),
    ("wa-1", "whatsapp"),
    ("sms-1", "sms"),
    ("tg-1", "telegram"),
    ("site-1", "webchat"),
)
FIRST = ("Maria", "João", "Ana", "Lucía", "Björn", "Arjun", "Liam", "Yael", "Chen", "Olu", "Zoë")
LAST = ("Silva", "Souza", "Núñez", "Groß", "Patel", "Nguyen", "Levi", "Wang", "Adeyemi", "Murphy")
TENANT = "acme"


def customer(n: int, *, version: int = 1, seen_at: datetime | None = None) -> Customer:
    """Return the n-th customer; names repeat as they do."""
    rng = random.Random(n)
    channel_id, channel_type = CHANNELS[n % len(CHANNELS)]
    # A compacted topic holds the newest records in the order in which they were written.
    wrote = END - timedelta(minutes=400_000) * (1 - n / 1_000_000)
    seen = seen_at or wrote
    created = wrote - timedelta(minutes=rng.randrange(60 * 24 * 200))
    number = f"+55119{n:08d}"
    name = f"{FIRST[n % len(FIRST)]} {LAST[n // 7 % len(LAST)]} {base26(n)}"
    customer_id = customer_id_of(n)
    return Customer(
        id=customer_id,
        tenant_id=TENANT,
        display_name=name,
        identities=(
            CustomerIdentity(
                channel_id=channel_id,
                channel_type=channel_type,
                external_id=number,
                identity_key=f"phone:{number}",
                identity_id=customer_id,
                first_seen_at=created,
                last_seen_at=seen,
                last_inbound_at=seen,
            ),
        ),
        metadata=CustomerMetadata(
            source="import" if n % 10 == 0 else "auto_created",
            channel=channel_id,
            first_contact_at=created,
            original_external_id=number,
            last_seen_at=seen,
        ),
        phones=(number,),
        emails=(f"person{n}@example.org",) if n % 3 == 0 else (),
        tags=("vip",) if n % 1000 == 0 else (),
        custom_attributes={},
        status="contacted" if n % 7 == 0 else "active",
        merged_ids=(),
        merged_into=None,
        created_at=created,
        updated_at=seen,
        version=version,
        blocked=n % 5000 == 0,
    )


def customer_id_of(n: int) -> str:
    """Return the n-th customer's id."""
    return str(UUID(int=(n + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))


def base26(n: int) -> str:
    """Return letters for a number, so that names differ as surnames do."""
    letters = ""
    n = n * 2_654_435_761 % 2**32
    while n:
        n, digit = divmod(n, 26)
        letters += chr(97 + digit)
    return letters.title()


def fact(n: int, people: int) -> MessageFact:
    """Return a message of one of the people."""
    person = n * 7919 % people
    channel_id, channel_type = CHANNELS[person % len(CHANNELS)]
    return MessageFact(
        tenant_id=TENANT,
        channel_id=channel_id,
        channel_type=channel_type,
        message_id=f"m{n}",
        direction="outbound" if n % 5 == 0 else "inbound",
        external_id=f"+55119{person:08d}",
        identity_key=f"phone:+55119{person:08d}",
        identity_id=customer_id_of(person),
        customer_id=customer_id_of(person),
        conversation_id=str(UUID(int=n)),
        sent_at=END - timedelta(seconds=n % (86400 * 300)),
        received_at=END,
        content_type="text",
        text="Olá, o meu pedido já saiu para entrega?",
    )


def records(cluster: ClusterSettings, people: int, messages: int) -> Iterator[OutRecord]:
    """Yield everything that the view begins with."""
    topic = topics.full_name(topics.CUSTOMERS, cluster.topic_prefix)
    for n in range(people):
        one = customer(n)
        yield OutRecord(topic, one.id.encode(), encode(one))
    topic = topics.full_name(topics.CUSTOMER_MESSAGES, cluster.topic_prefix)
    for n in range(messages):
        said = fact(n, people)
        yield OutRecord(topic, said.message_id.encode(), encode(said))


async def fill(cluster: ClusterSettings, people: int, messages: int) -> None:
    """Have the topics hold it."""
    producer = AIOKafkaProducer(
        **cluster.client_options(), acks="all", max_batch_size=512 * 1024, compression_type="gzip"
    )
    await producer.start()
    try:
        bulk, waiting = BulkProducer(producer), []
        for record in records(cluster, people, messages):
            waiting.append(record)
            if len(waiting) == 20_000:
                await bulk.send(waiting)
                waiting = []
        await bulk.send(waiting)
    finally:
        await producer.stop()
