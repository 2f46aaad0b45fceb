"""Topics made and removed on real brokers: Apache Kafka and Tansu."""

from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource

from streams import topic_admin, topics
from streams.broker.addresses import free_port
from streams.cluster import ClusterSettings
from streams.topic_admin import TopicAdminError, delete_topics, ensure_topics
from tests.e2e.harness import send


@pytest.fixture(
    params=[
        pytest.param("cluster", marks=pytest.mark.kafka),
        pytest.param("tansu_cluster", marks=pytest.mark.pip_broker),
    ]
)
def any_cluster(request: pytest.FixtureRequest) -> ClusterSettings:
    """Give each broker in turn."""
    settings: ClusterSettings = request.getfixturevalue(request.param)
    return settings


def described(cluster: ClusterSettings, names: list[str]) -> list[dict[str, Any]]:
    """Return the broker's metadata of these topics."""
    with KafkaAdminClient(**cluster.client_options()) as admin:
        found: list[dict[str, Any]] = admin.describe_topics(names)
        return found


def test_every_declared_topic_exists_with_a_leader_for_each_partition(
    any_cluster: ClusterSettings,
) -> None:
    created = ensure_topics(any_cluster)
    assert created == [topics.full_name(topic, any_cluster.topic_prefix) for topic in topics.MADE]
    for topic in described(any_cluster, created):
        assert len(topic["partitions"]) == any_cluster.topic_partitions
        assert all(partition["leader_id"] >= 0 for partition in topic["partitions"])


def test_ensuring_again_makes_only_what_is_missing_and_leaves_the_rest(
    any_cluster: ClusterSettings,
) -> None:
    own = topics.full_name(topics.CUSTOMERS, any_cluster.topic_prefix)
    with KafkaAdminClient(**any_cluster.client_options()) as admin:
        admin.create_topics({own: {"num_partitions": 1, "replication_factor": 1}})
    assert own not in ensure_topics(any_cluster)
    assert ensure_topics(any_cluster) == []
    assert len(described(any_cluster, [own])[0]["partitions"]) == 1


def test_the_broker_keeps_the_declared_retention_and_compaction(cluster: ClusterSettings) -> None:
    ensure_topics(cluster)
    names = {topics.full_name(topic, cluster.topic_prefix): topic for topic in topics.MADE}
    with KafkaAdminClient(**cluster.client_options()) as admin:
        for name, topic in names.items():
            kept = admin.describe_configs([ConfigResource("topic", name)])["topic"][name]
            for key, value in topic.config().items():
                assert kept[key]["value"] == value, (name, key)


def test_deleting_removes_everything_under_the_prefix_and_nothing_else(
    any_cluster: ClusterSettings,
) -> None:
    neighbour = any_cluster.model_copy(update={"topic_prefix": f"other-{any_cluster.topic_prefix}"})
    changelog = f"{any_cluster.topic_prefix}worker-state-changelog"
    ensure_topics(neighbour)
    try:
        ensure_topics(any_cluster)
        with KafkaAdminClient(**any_cluster.client_options()) as admin:
            admin.create_topics(
                {changelog: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
            )
        deleted = delete_topics(any_cluster)
        assert changelog in deleted
        assert len(deleted) == len(topics.MADE) + 1
        assert delete_topics(any_cluster) == []
    finally:
        assert len(delete_topics(neighbour)) == len(topics.MADE)


def test_deleting_without_a_prefix_is_refused() -> None:
    with pytest.raises(TopicAdminError, match="KAFKA_TOPIC_PREFIX"):
        delete_topics(ClusterSettings(topic_prefix=""))


def test_more_replicas_than_brokers_is_an_error_that_names_the_setting(
    cluster: ClusterSettings,
) -> None:
    with pytest.raises(TopicAdminError, match="KAFKA_TOPIC_REPLICATION_FACTOR"):
        ensure_topics(cluster.model_copy(update={"topic_replication_factor": 99}))


def test_an_absent_broker_is_an_error_that_says_what_to_look_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(topic_admin, "REACHED_SECONDS", 0.5)
    nobody = ClusterSettings(bootstrap_servers=f"127.0.0.1:{free_port()}", topic_prefix="test-")
    with pytest.raises(TopicAdminError, match="omnichannel broker status"):
        ensure_topics(nobody)


def test_clients_may_start_at_once_every_partition_takes_records(
    cluster: ClusterSettings, caplog: pytest.LogCaptureFixture
) -> None:
    ensure_topics(cluster)
    for topic in topics.MADE:
        send(cluster, topic, [(str(number).encode(), b"x") for number in range(8)])
    assert not [line for line in caplog.messages if "NotLeader" in line]
