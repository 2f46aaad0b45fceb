"""The Faust app: what it consumes, how it is tuned, and which fold runs on which topic.

Every value that differs from Faust's default says why. Effects and their order are the engine's.
"""

import asyncio
import logging
from functools import cache
from threading import Event
from typing import Any

import faust

from streams import topics
from streams.brake import Braked
from streams.channel_file import channels_in
from streams.cluster import ClusterSettings
from streams.engine.process import OnMoment, forward, ignore, process
from streams.engine.producer import BulkProducer
from streams.engine.table import BulkTable
from streams.engine.transport import BatchSchema, BatchTransport
from streams.folds import IdentityFold
from streams.identity.addresses import Addresses
from streams.narration import narrate
from streams.outbox import TopicNames
from streams.policies import PolicyTopic, policy_book
from streams.settings import WorkerSettings
from streams.translation import Translate

logger = logging.getLogger(__name__)


class BatchApp(faust.App):
    """A Faust app whose batched topics come a partition batch at a time.

    `policies` must have been read before it is run: `streams.__main__.run` does.
    """

    batched_topics: frozenset[str] = frozenset()
    policies: PolicyTopic
    addresses: Addresses

    def _create_directories(self) -> None:
        self.conf.datadir.mkdir(parents=True, exist_ok=True)
        super()._create_directories()

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self, batched_topics=self.batched_topics)


def create_app(
    settings: WorkerSettings, cluster: ClusterSettings, *, on_moment: OnMoment = ignore
) -> BatchApp:
    """Return the app, ready for a Faust worker; nothing is connected yet."""
    names = TopicNames(cluster.topic_prefix)
    app = BatchApp(
        topics.group_name(cluster.topic_prefix),
        broker=[f"kafka://{server}" for server in cluster.servers],
        broker_credentials=credentials(cluster),
        # By group: the state of one prefix must never be taken for another's.
        datadir=settings.state_folder / "faust" / topics.group_name(cluster.topic_prefix),
        store="rocksdb://",
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,  # its /table endpoint serves data without asking who wants it
        topic_partitions=cluster.topic_partitions,
        topic_replication_factor=cluster.topic_replication_factor,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",  # a new group must miss nothing
        consumer_max_fetch_size=4 * 1024 * 1024,
        producer_acks=-1,
        producer_max_batch_size=512 * 1024,
        producer_compression_type=settings.compression,
        producer_request_timeout=60.0,  # default 20 minutes: a lost broker must show sooner
        producer_linger=0.0,  # batches are made before they are sent; waiting adds nothing
        stream_buffer_maxsize=4,  # whole batches wait here: few, to bound memory
        stream_wait_empty=True,  # a rebalance lets the batch in work finish and commit
        stream_recovery_delay=0.0,
        broker_commit_interval=settings.commit_interval_seconds,
        broker_commit_every=1_000_000,  # counts events, which are batches here: time decides
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.session_timeout_seconds / 4,
        broker_rebalance_timeout=settings.rebalance_timeout_seconds,
        broker_max_poll_interval=300.0,
        consumer_group_instance_id=settings.instance_id,
        broker_max_poll_records=None,
        table_standby_replicas=0,
    )
    batched = [names(topic) for topic in (*topics.SOURCES, topics.INTERACTIONS)]
    app.batched_topics = frozenset(batched)
    nodes = app.Table(
        topics.NODES_TABLE,
        key_type=bytes,
        value_type=bytes,
        partitions=cluster.topic_partitions,
        help="Identity key to customer, or to the key that holds the customer.",
    )
    book = policy_book(settings)
    app.policies = PolicyTopic(cluster, book)
    app.addresses = Addresses(settings.identity_salt.get_secret_value())
    _say_when_ready(app, batched[-1])
    _follow_policies(app)
    _add_agents(
        app,
        sources=app.topic(*batched[:-1], schema=BatchSchema()),
        interactions=app.topic(batched[-1], schema=BatchSchema()),
        translate=Braked(
            Translate(names, book.of, app.addresses, channels_in(settings.channels_file)),
            settings.brake_share,
        ),
        fold=IdentityFold(names, book.of, app.addresses),
        table=BulkTable(nodes),
        on_moment=on_moment,
    )
    return app


def credentials(cluster: ClusterSettings) -> Any:
    """Return the cluster's credentials as Faust wants them; None without TLS and SASL."""
    context = cluster.ssl_context()
    if cluster.security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=cluster.sasl_username,
            password=cluster.password,
            mechanism=cluster.sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context else None


def _say_when_ready(app: BatchApp, topic: str) -> None:
    @app.on_rebalance_complete.connect(weak=False)
    async def say(_: object, **__: object) -> None:
        held = sorted(tp.partition for tp in app.consumer.assignment() if tp.topic == topic)
        logger.info("Ready: state is recovered, this worker holds partitions %s of %s", held, topic)


def _follow_policies(app: BatchApp) -> None:
    # Changes are applied in the loop, so between batches. What the thread raises crashes the app:
    # a worker that no longer hears of policies must not go on unnoticed.
    @app.task
    async def follow_policies() -> None:
        stop = Event()
        soon = asyncio.get_running_loop().call_soon_threadsafe
        try:
            await asyncio.to_thread(app.policies.follow, stop, soon)
        finally:
            stop.set()


def _add_agents(
    app: BatchApp,
    *,
    sources: Any,
    interactions: Any,
    translate: Braked,
    fold: IdentityFold,
    table: BulkTable,
    on_moment: OnMoment,
) -> None:
    @cache  # made at the first batch: the client is connected by then
    def producer() -> BulkProducer:
        return BulkProducer(app.producer._ensure_producer())  # noqa: SLF001

    # concurrency 1: more actors in one process would finish batches out of order.
    @app.agent(sources, name="normalise", concurrency=1)
    async def normalise(batches: Any) -> None:
        async for batch in batches:
            await forward(batch, translate, producer=producer())

    @app.agent(interactions, name="identify", concurrency=1)
    async def identify(batches: Any) -> None:
        async for batch in batches:
            effects = await process(
                batch, fold, producer=producer(), table=table, on_moment=on_moment
            )
            narrate(effects.told)
