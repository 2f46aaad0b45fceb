"""From a dead letter to a customer: what was set aside goes in again after a fix. All is real."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaProducer

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.customers import Customer
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.policies import PolicyDocument
from streams.dead_letters import open_letters, replay
from streams.engine.process import EXIT_CODE
from streams.policy_file import as_toml, tenant_table
from streams.topic_admin import ensure_topics
from tests.builders import message
from tests.e2e.harness import (
    WorkerProcess,
    encoded,
    read,
    running,
    send,
    wait_until,
    wait_until_processed,
)

pytestmark = pytest.mark.kafka

NOW = datetime.now(UTC)
PERSON = "+5511999998888"
TOO_LONG = 600 * 1024


def customers(cluster: ClusterSettings) -> set[str]:
    return {
        msgspec.json.decode(value, type=Customer).display_name
        for _, value in read(cluster, topics.CUSTOMERS)
        if value is not None
    }


def letters(cluster: ClusterSettings) -> dict[str, DeadLetter]:
    return open_letters(cluster, lambda _: True)


def test_after_a_fix_and_a_replay_the_customer_is_there(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    """A policy names the person's number as the business's own; then somebody mends it."""
    ensure_topics(cluster)
    wrong = tmp_path / "policy.toml"
    document = PolicyDocument(own_identities=(PERSON,))
    wrong.write_text(as_toml(document, tenant_table("acme")))
    worker = WorkerProcess(cluster, tmp_path, "one")
    values = encoded([message("m1", person=PERSON, name="Maria")])
    with running(worker, OMNICHANNEL_POLICY_FILE=str(wrong)):
        send(cluster, topics.MESSAGES_INBOUND, [(b"k", values[0]), (b"k", b"{")])
        wait_until(lambda: len(letters(cluster)) == 2, "two letters")
        wait_until_processed(cluster)
    reasons = {letter.reason: name for name, letter in letters(cluster).items()}
    assert set(reasons) == {"not_a_person", "unreadable"}
    assert not customers(cluster)

    with running(worker):
        report = replay(cluster, frozenset(reasons.values()), now=NOW)
        assert (report.records, report.letters, report.left) == (2, 2, [])
        wait_until(lambda: customers(cluster) == {"Maria"}, "the customer")
        wait_until_processed(cluster)
        (again,) = letters(cluster).values()
        assert (again.reason, again.replay_of) == ("unreadable", reasons["unreadable"])
        assert not set(reasons.values()) & set(letters(cluster)), "they are marked"
    assert len(read(cluster, topics.MESSAGES_INBOUND)) == 4


def test_a_native_body_longer_than_a_letter_is_put_back_whole_with_its_headers(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    body = json.dumps({"pad": "x" * TOO_LONG}).encode()
    headers = [("tenantId", b"acme"), ("channelId", b"bot-1")]
    send_native(cluster, body, headers)
    with running(WorkerProcess(cluster, tmp_path, "one")):
        wait_until(lambda: len(letters(cluster)) == 1, "the letter")
        wait_until_processed(cluster)
        (letter,) = letters(cluster).values()
        assert (letter.platform, letter.is_cut) == ("telegram", True)
        assert replay(cluster, frozenset({letter.id}), now=NOW).records == 1
        wait_until_processed(cluster)
    values = [value for _, value in read(cluster, topics.NATIVE["telegram"])]
    assert values == [body, body]
    (again,) = letters(cluster).values()
    assert (again.replay_of, again.tenant_id) == (letter.id, "acme")


def send_native(cluster: ClusterSettings, body: bytes, headers: list[tuple[str, bytes]]) -> None:
    producer: Any = KafkaProducer(**cluster.client_options(), max_request_size=2 * TOO_LONG)
    name = topics.full_name(topics.NATIVE["telegram"], cluster.topic_prefix)
    producer.send(name, key=b"k", value=body, headers=headers).get(timeout=30)
    producer.close()


def test_letters_of_our_own_operations_are_left_with_the_reason(cluster: ClusterSettings) -> None:
    ensure_topics(cluster)
    own = topics.full_name(topics.INTERACTIONS, cluster.topic_prefix)
    letter = DeadLetter(
        id=f"{own}/0/1",
        topic=own,
        partition=0,
        offset=1,
        reason="too_large",
        detail="the customer's state would be",
        received_at=datetime.now(UTC),
        key=None,
        raw=b"x",
    )
    send(cluster, topics.DEAD_LETTERS, [(b"k", msgspec.json.encode(letter))])
    ((name, why),) = replay(cluster, frozenset({letter.id}), now=NOW).left
    assert (name, "our own" in why) == (letter.id, True)


def test_a_flood_of_what_cannot_be_understood_stops_the_worker_before_it_is_committed(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    worker = WorkerProcess(cluster, tmp_path, "one")
    send(cluster, topics.MESSAGES_INBOUND, [(b"k", b"{")] * 1_500)
    with running(worker):
        assert worker.wait_for_death() == EXIT_CODE
    assert worker.has_said("cannot be understood: a producer or an adapter is at fault")
    assert not letters(cluster)
    with running(worker, WORKER_BRAKE_SHARE="1"):
        wait_until_processed(cluster)
    assert len(letters(cluster)) == 1_500
