"""The topics on the broker: made as streams.topics declares them, and removed again.

Owns what is asked of the cluster; which topics there are stays in streams.topics.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from streams import topics
from streams.cluster import ClusterSettings

logger = logging.getLogger(__name__)

REACHED_SECONDS = 30.0
SHOWN_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.05
EXPECTED_WHEN_CREATING = (0, TopicAlreadyExistsError.errno)
EXPECTED_WHEN_DELETING = (0, UnknownTopicOrPartitionError.errno)


class TopicAdminError(RuntimeError):
    """The cluster did not do what was asked; the message says what to look at."""


def ensure_topics(cluster: ClusterSettings) -> list[str]:
    """Have every topic of streams.topics.MADE and return the new ones.

    All have a leader for each partition, so clients may start. A topic that exists is left as it
    is. Safe to call from several processes at once.

    The changelog is among them, though Faust would make it: beside joining the group, so that the
    first assignment may be without it. A worker that is killed then gets the same assignment again
    from the broker, as a static member does, and has nothing to rebuild its state from.
    """
    wanted = {
        topics.full_name(topic, cluster.topic_prefix): {
            "num_partitions": cluster.topic_partitions,
            "replication_factor": cluster.topic_replication_factor,
            "configs": topic.config(),
        }
        for topic in topics.MADE
    }
    with _admin(cluster) as admin:
        existing = set(admin.list_topics())
        missing = {name: spec for name, spec in wanted.items() if name not in existing}
        created = []
        if missing:
            outcomes = admin.create_topics(missing, raise_errors=False)["topics"]
            _raise_unexpected("create", outcomes, EXPECTED_WHEN_CREATING)
            created = [outcome["name"] for outcome in outcomes if outcome["error_code"] == 0]
        admin.wait_for_topics(list(wanted), timeout_ms=SHOWN_SECONDS * 1000)
        # A leader is named before it leads: only one that answers takes records.
        partitions = [
            TopicPartition(name, number)
            for name in created
            for number in range(cluster.topic_partitions)
        ]
        if partitions:
            admin.list_partition_offsets(
                dict.fromkeys(partitions, OffsetSpec.LATEST), timeout_ms=SHOWN_SECONDS * 1000
            )
    if created:
        logger.info("created %d topics: %s", len(created), ", ".join(created))
    return created


def delete_topics(cluster: ClusterSettings) -> list[str]:
    """Remove every topic whose name begins with the cluster's prefix; return their names.

    Also those that Faust or a test made there. Without a prefix it refuses: that would be all.
    """
    if not cluster.topic_prefix:
        raise TopicAdminError(
            "deleting topics needs KAFKA_TOPIC_PREFIX: without one it would empty the cluster"
        )
    with _admin(cluster) as admin:
        if not (doomed := _names(admin, cluster.topic_prefix)):
            return []
        outcomes = admin.delete_topics(doomed, raise_errors=False)["topics"]
        _raise_unexpected("delete", outcomes, EXPECTED_WHEN_DELETING)
        deadline = time.monotonic() + SHOWN_SECONDS
        while left := set(doomed) & set(_names(admin, cluster.topic_prefix)):
            if time.monotonic() > deadline:
                raise TopicAdminError(f"still there after {SHOWN_SECONDS:.0f} s: {sorted(left)}")
            time.sleep(LOOK_AGAIN_SECONDS)
    logger.info("deleted %d topics with prefix %s", len(doomed), cluster.topic_prefix)
    return doomed


def _names(admin: Any, prefix: str) -> list[str]:
    return sorted(name for name in admin.list_topics() if name.startswith(prefix))


def _raise_unexpected(verb: str, outcomes: list[dict[str, Any]], expected: tuple[int, ...]) -> None:
    failed = {
        outcome["name"]: outcome["error_message"] or f"error {outcome['error_code']}"
        for outcome in outcomes
        if outcome["error_code"] not in expected
    }
    if failed:
        raise TopicAdminError(
            f"the cluster would not {verb} {failed}: check the credentials' rights, "
            "KAFKA_TOPIC_PARTITIONS and KAFKA_TOPIC_REPLICATION_FACTOR"
        )


@contextmanager
def _admin(cluster: ClusterSettings) -> Iterator[Any]:
    options = cluster.client_options() | {"bootstrap_timeout_ms": int(REACHED_SECONDS * 1000)}
    try:
        with KafkaAdminClient(**options) as admin:
            yield admin
    except KafkaError as err:
        raise TopicAdminError(
            f"Kafka at {cluster.bootstrap_servers} did not answer as expected ({err}): is it "
            "running (`omnichannel broker status`), are KAFKA_* set for it?"
        ) from err
