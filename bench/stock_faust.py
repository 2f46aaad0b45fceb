"""The worker's two hops as one would write them in stock Faust: the measure for bench/worker.py.

The same decoding, the same pure core, the same topics and records, a RocksDB table with its
changelog; Faust's own loop, table and sends. Not part of the product.
"""

import sys
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

import faust
import msgspec

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import Message, MessageFact
from streams.contracts.wire import encode
from streams.identity.addresses import Addresses
from streams.identity.graph import fold
from streams.identity.normalise import Rejection, normalise
from streams.identity.operations import decode_operation, encode_operation
from streams.identity.policy import Policy
from streams.identity.state import decode_node, encode_node
from streams.identity.telling import Forgotten, Record
from streams.outbox import TopicNames


def key_of(record: Record | MessageFact) -> bytes:
    """Return the record's key: its customer's, or its own where it has an id of its own."""
    if isinstance(record, MessageFact | CustomerEvent):
        return (record.customer_id or "").encode()
    return record.id.encode()


def create_app(cluster: ClusterSettings, folder: Path) -> faust.App:  # noqa: C901 - two agents
    """Return the stock app; tuned where that is a setting."""
    names = TopicNames(cluster.topic_prefix)
    app = faust.App(
        f"{cluster.topic_prefix}stock",
        broker=[f"kafka://{server}" for server in cluster.servers],
        datadir=folder,
        store="rocksdb://",
        web_enabled=False,
        topic_partitions=cluster.topic_partitions,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        stream_recovery_delay=0.0,
        producer_linger=0.005,
        producer_max_batch_size=512 * 1024,
    )

    def topic(spec: topics.TopicSpec) -> faust.TopicT:
        return app.topic(
            names(spec),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
        )

    inbound, interactions = topic(topics.MESSAGES_INBOUND), topic(topics.INTERACTIONS)
    outputs: dict[type, Any] = {
        Customer: topic(topics.CUSTOMERS),
        CustomerEvent: topic(topics.CUSTOMER_EVENTS),
        Conversation: topic(topics.CONVERSATIONS),
        MessageFact: topic(topics.CUSTOMER_MESSAGES),
    }
    nodes = app.Table("nodes", key_type=bytes, value_type=bytes, partitions=4)
    policy, addresses = Policy(), Addresses("")
    decoder = msgspec.json.Decoder(Message)

    @app.agent(inbound)
    async def normalised(stream: AsyncIterable[bytes]) -> None:
        async for event in stream.events():  # type: ignore[attr-defined]
            received_at_ms = int(event.message.timestamp * 1000)
            message = decoder.decode(event.value)
            found = normalise(message, received_at_ms, policy)
            if not isinstance(found, Rejection):
                key = addresses.node(message.tenant_id, found[0]).encode()
                await interactions.send(key=key, value=encode_operation(found[1]))

    @app.agent(interactions)
    async def identified(stream: AsyncIterable[bytes]) -> None:
        async for event in stream.events():  # type: ignore[attr-defined]
            value = nodes.get(event.key)
            before = decode_node(value) if value else None
            operations = [decode_operation(event.value)]
            folded = fold(event.key.decode(), before, operations, policy, addresses)
            for address, operation in folded.operations:
                await interactions.send(key=address.encode(), value=encode_operation(operation))
            for record in (*folded.records, *folded.facts):
                if isinstance(record, Forgotten):
                    continue  # nobody is erased here
                await outputs[type(record)].send(key=key_of(record), value=encode(record))
            if folded.node is not before and folded.node is not None:
                nodes[event.key] = encode_node(folded.node)

    return app


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    app = create_app(ClusterSettings(), folder)
    worker = faust.Worker(app, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.execute_from_commandline()
