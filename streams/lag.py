"""How far the workers are behind what was sent: their group's commits against the topics' ends."""

from types import TracebackType
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from streams import topics
from streams.cluster import ClusterSettings
from streams.ends import end_offsets
from streams.topics import TopicSpec, full_name, group_name


class WorkerLag:
    """Asks the cluster; open it as a context, it holds two connections."""

    def __init__(self, cluster: ClusterSettings) -> None:
        self._cluster = cluster
        self._group = group_name(cluster.topic_prefix)

    def __enter__(self) -> Self:
        """Connect."""
        options = self._cluster.client_options()
        self._admin: Any = KafkaAdminClient(**options)
        self._consumer: Any = KafkaConsumer(**options, enable_auto_commit=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self._admin.close()
        self._consumer.close()

    def remaining(self) -> int:
        """Return how many records wait to be processed; 0 means that all sent so far is done.

        Sources are looked at first: what they led to on `interactions` was there before their
        commit, so nothing can hide in between.
        """
        return sum(
            self._end(topic) - self.processed(topic)
            for topic in (*topics.SOURCES, topics.INTERACTIONS)
        )

    def processed(self, topic: TopicSpec) -> int:
        """Return up to which count of the topic's records the workers have committed."""
        name = full_name(topic, self._cluster.topic_prefix)
        try:
            groups = self._admin.list_group_offsets(self._group)
        except KafkaError as error:
            if error.retriable:  # a fresh broker, before its groups have a coordinator
                return 0
            raise
        offsets = groups.get(self._group, {})
        return sum(committed.offset for tp, committed in offsets.items() if tp.topic == name)

    def _end(self, topic: TopicSpec) -> int:
        name = full_name(topic, self._cluster.topic_prefix)
        partitions = self._consumer.partitions_for_topic(name) or ()
        ends = end_offsets(self._consumer, [TopicPartition(name, p) for p in partitions])
        return sum(ends.values())
