"""The worker on a real Kafka: nothing lost, nothing twice, whatever dies and whoever joins.

Real: the broker, the worker processes, RocksDB, the changelog. What came out is compared, whole,
with the answer of the pure folds over the same messages.
"""

import signal
from pathlib import Path

import msgspec
import pytest

from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.dead_letters import DeadLetter
from streams.contracts.messages import Message
from streams.engine.process import EXIT_CODE
from streams.lag import WorkerLag
from streams.topic_admin import ensure_topics
from tests.builders import crowd, message
from tests.e2e.harness import (
    WorkerProcess,
    answer_on,
    encoded,
    pure_answer,
    read,
    running,
    send,
    wait_until,
    wait_until_processed,
)

pytestmark = pytest.mark.kafka

MOMENTS = ["decided", "records_sent", "changelog_sent", "stored"]


@pytest.fixture
def partitions() -> int:
    """Give so many that two workers have some each, and some stay where they are."""
    return 4


def send_messages(cluster: ClusterSettings, messages: list[Message]) -> list[bytes]:
    """Send the messages to the topics of their direction; return them as sent."""
    for direction, topic in (
        ("inbound", topics.MESSAGES_INBOUND),
        ("outbound", topics.MESSAGES_OUTBOUND),
    ):
        values = [m for m in messages if m.direction == direction]
        send(
            cluster,
            topic,
            [(m.message_id.encode(), v) for m, v in zip(values, encoded(values), strict=True)],
        )
    return encoded(messages)


def test_a_message_in_is_a_customer_out(cluster: ClusterSettings, tmp_path: Path) -> None:
    ensure_topics(cluster)
    with running(WorkerProcess(cluster, tmp_path, "one")):
        sent = send_messages(
            cluster,
            [
                message("m1", name="Maria"),
                message("m2", person="+5511999998888", channel_id="sms-1", channel_type="sms"),
                message("m3", person="5521988887777", direction="outbound"),
            ],
        )
        wait_until_processed(cluster)
    answer = answer_on(cluster)
    assert answer == pure_answer(sent)
    maria, contacted = sorted(answer.customers.values(), key=lambda c: str(c["status"]))
    assert (maria["displayName"], len(maria["identities"]), maria["status"]) == (
        "Maria",
        2,
        "active",
    )
    assert contacted["status"] == "contacted"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_killed_in_the_middle_of_a_batch_loses_and_doubles_nothing(
    cluster: ClusterSettings, tmp_path: Path, moment: str
) -> None:
    ensure_topics(cluster)
    sent = send_messages(cluster, crowd(people=300, messages=4_000))
    worker = WorkerProcess(cluster, tmp_path, "one")
    for already_processed in (0, 2):
        worker.start(KILL_AT=moment, KILL_AFTER=str(already_processed))
        assert worker.wait_for_death() == -signal.SIGKILL
    with running(worker):
        wait_until_processed(cluster)
    assert answer_on(cluster) == pure_answer(sent)


def test_a_second_worker_joins_and_leaves_under_load(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    messages = crowd(people=500, messages=15_000)
    thirds = [messages[:5_000], messages[5_000:10_000], messages[10_000:]]
    first, second = (WorkerProcess(cluster, tmp_path, name) for name in ("one", "two"))
    with running(first), WorkerLag(cluster) as lag:
        send_messages(cluster, thirds[0])
        wait_until(lambda: lag.processed(topics.INTERACTIONS) > 0, "the first worker works")
        with running(second):
            send_messages(cluster, thirds[1])
            wait_until(
                lambda: any(second.folder.glob("state/faust/**/*.db")), "the second has partitions"
            )
            send_messages(cluster, thirds[2])
        wait_until(lambda: lag.remaining() == 0, "the first worker caught up alone")
    assert answer_on(cluster) == pure_answer(encoded(messages))


def test_a_worker_that_slept_past_its_session_does_not_overwrite_who_took_over(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    messages = crowd(people=200, messages=4_000)
    sleeper, heir, rebuilt = (WorkerProcess(cluster, tmp_path, n) for n in ("a", "b", "c"))
    send_messages(cluster, messages[:2_000])
    sleeper.start(KILL_AT="records_sent", KILL_AFTER="1", KILL_BY="SIGSTOP")
    wait_until(sleeper.is_stopped, "the first worker sleeps in the middle of a batch")
    with running(heir):
        send_messages(cluster, messages[2_000:])
        wait_until_processed(cluster)
        sleeper.send(signal.SIGCONT)
        assert sleeper.wait_for_death() == EXIT_CODE
        wait_until_processed(cluster)
    with running(rebuilt):
        wait_until(lambda: rebuilt.has_said("Ready: "), "recovery is complete")
    assert answer_on(cluster) == pure_answer(encoded(messages))
    assert rebuilt.nodes() == heir.nodes()


def test_a_state_rebuilt_from_the_changelog_alone_equals_the_live_one(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    live, rebuilt = (WorkerProcess(cluster, tmp_path, name) for name in ("live", "rebuilt"))
    with running(live):
        sent = send_messages(cluster, crowd(people=300, messages=5_000))
        wait_until_processed(cluster)
    with running(rebuilt):
        wait_until(lambda: rebuilt.has_said("Ready: "), "recovery is complete")
    # A node of the identity key, and the one that leads there from the id.
    assert len(live.nodes()) == 2 * len(pure_answer(sent).customers)
    assert rebuilt.nodes() == live.nodes()


def test_poison_and_oversize_are_set_aside_and_the_worker_goes_on(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    huge = 900_000
    poison = [
        b"not json",
        b"\xff\xfe\x00",
        b"",
        b"[]",
        b'{"tenantId":"acme"}',
        b'{"a":' * 5_000,
        encoded([message("x" * huge)])[0],
        encoded([message("bad-time", person="1", text="y" * huge)])[0],
        encoded([message("sms", person="AMAZON", channel_type="sms")])[0],
    ]
    good = encoded([message("m1"), message("m2", text="z" * huge)])
    with running(WorkerProcess(cluster, tmp_path, "one")) as worker:
        values = [*poison[:4], good[0], *poison[4:], good[1]]
        send(cluster, topics.MESSAGES_INBOUND, [(b"k", value) for value in values])
        send(cluster, topics.INTERACTIONS, [(b"k", b"no operation"), (b"\xff", b"{}")])
        wait_until_processed(cluster)
        assert worker.is_alive()
    letters = [
        msgspec.json.decode(value or b"", type=DeadLetter)
        for _, value in read(cluster, topics.DEAD_LETTERS)
    ]
    assert len({letter.id for letter in letters}) == len(poison) + 2
    assert {letter.reason for letter in letters} == {"unreadable", "invalid", "not_a_person"}
    assert answer_on(cluster) == pure_answer(good)


def test_without_auto_creation_known_customers_are_kept_up_and_nobody_is_added(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    worker = WorkerProcess(cluster, tmp_path, "one")
    with running(worker):
        send_messages(cluster, [message("m1")])
        wait_until_processed(cluster)
    with running(worker, CUSTOMER_AUTO_CREATION_ENABLED="false"):
        send_messages(cluster, [message("m2", name="Maria"), message("m3", person="5521988887777")])
        wait_until_processed(cluster)
    answer = answer_on(cluster)
    (customer,) = answer.customers.values()
    assert customer["displayName"] == "Maria"
    assert answer.messages["acme", "wa-1", "m3"] is None
