"""The proof that a broker works: one message there and back on a topic that is gone afterwards.

Owns nothing else; whether the broker should be started or stopped is its caller's business.
"""

from uuid import uuid4

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

CHECK_TOPIC_PREFIX = "local-broker-check-"


class RoundTripFailed(Exception):  # noqa: N818  # an answer, "not yet" as often as "no"
    """The broker did not return the message; the reason is the message."""


def round_trip(bootstrap_servers: str, *, timeout_seconds: float) -> None:
    """Produce, fetch and forget one message. Raises RoundTripFailed."""
    topic, sent = f"{CHECK_TOPIC_PREFIX}{uuid4().hex}", uuid4().bytes
    timeout_ms = max(1, int(timeout_seconds * 1000))
    address: dict[str, str | int] = {
        "bootstrap_servers": bootstrap_servers,
        "bootstrap_timeout_ms": timeout_ms,
    }
    try:
        with KafkaAdminClient(**address) as admin:
            admin.create_topics(
                {topic: {"num_partitions": 1, "replication_factor": 1}}, timeout_ms=timeout_ms
            )
            try:
                admin.wait_for_topics([topic], timeout_ms=timeout_ms)
                with KafkaProducer(**address) as producer:
                    producer.send(topic, sent).get(timeout=timeout_seconds)
                got = _first_message(topic, address, timeout_ms)
            finally:
                admin.delete_topics([topic], timeout_ms=timeout_ms)
    except KafkaError as err:
        raise RoundTripFailed(str(err)) from err
    if got != sent:
        raise RoundTripFailed(f"sent {sent!r}, fetched {got!r} within {timeout_seconds:.0f} s")


def _first_message(topic: str, address: dict[str, str | int], timeout_ms: int) -> bytes | None:
    consumer = KafkaConsumer(
        **address,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        consumer_timeout_ms=timeout_ms,
    )
    with consumer:
        consumer.assign([TopicPartition(topic, 0)])
        return next((bytes(record.value) for record in consumer), None)
