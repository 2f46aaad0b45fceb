"""The worker's two hops as one would write them in stock Faust: the measure for bench/worker.py.

The same decoding, the same pure core, the same topics and records, a RocksDB table with its
changelog; Faust's own loop, table and sends. Not part of the product.
"""

import sys
from collections.abc import AsyncIterable
from pathlib import Path

import faust
import msgspec

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.messages import Message, MessageFact
from streams.contracts.wire import encode
from streams.folds import TopicNames
from streams.identity.graph import fold
from streams.identity.normalise import Rejection, normalise
from streams.identity.operations import decode_operation, encode_operation
from streams.identity.policy import Policy
from streams.identity.records import Record
from streams.identity.state import decode_node, encode_node, node_key


def key_of(record: Record) -> bytes:
    """Return the record's key: its customer's, or its own where it is a conversation."""
    if isinstance(record, Customer | Conversation):
        return record.id.encode()
    return (record.customer_id or "").encode()


def create_app(cluster: ClusterSettings, folder: Path) -> faust.App:
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
    outputs = {
        Customer: topic(topics.CUSTOMERS),
        CustomerEvent: topic(topics.CUSTOMER_EVENTS),
        Conversation: topic(topics.CONVERSATIONS),
        MessageFact: topic(topics.CUSTOMER_MESSAGES),
    }
    nodes = app.Table("nodes", key_type=bytes, value_type=bytes, partitions=4)
    policy, decoder = Policy(), msgspec.json.Decoder(Message)

    @app.agent(inbound)
    async def normalised(stream: AsyncIterable[bytes]) -> None:
        async for event in stream.events():  # type: ignore[attr-defined]
            received_at_ms = int(event.message.timestamp * 1000)
            observed = normalise(decoder.decode(event.value), received_at_ms)
            if not isinstance(observed, Rejection):
                key = node_key(observed.tenant_id, observed.identity_key).encode()
                await interactions.send(key=key, value=encode_operation(observed))

    @app.agent(interactions)
    async def identified(stream: AsyncIterable[bytes]) -> None:
        async for event in stream.events():  # type: ignore[attr-defined]
            value = nodes.get(event.key)
            before = decode_node(value) if value else None
            folded = fold(event.key.decode(), before, [decode_operation(event.value)], policy)
            for record in folded.records:
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
