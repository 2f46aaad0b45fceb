"""Policies on real brokers: read whole before a worker starts, followed while it runs.

Real: the brokers, the topic, the worker processes and the command line.
"""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pytest
from kafka.errors import KafkaConnectionError

from api.command_line.errors import CommandError
from api.command_line.main import app as command_line
from streams import topics
from streams.broker.addresses import free_port
from streams.cluster import ClusterSettings
from streams.contracts.commands import SetPolicy
from streams.contracts.customers import CustomerEvent
from streams.contracts.policies import PolicyDocument, TenantPolicy
from streams.contracts.wire import encode
from streams.engine.batches import InRecord
from streams.identity.addresses import Addresses
from streams.identity.policy import Policy
from streams.policies import SALT_KEY, PolicyBook, PolicyTopic
from streams.policy_file import PolicyError, policies_in
from streams.topic_admin import ensure_topics
from tests.builders import message
from tests.e2e.harness import (
    WorkerProcess,
    answer_on,
    encoded,
    read,
    running,
    send,
    wait_until,
    wait_until_processed,
)

SALT, OTHER = Addresses("one salt"), Addresses("another salt")
ROOT = Path(__file__).parents[2]
# A worker whose follower dies of something that is not the broker's.
BROKEN_FOLLOWER = """
from streams import policies
from tests.e2e import worker_main

def follow(self, stop, apply):
    raise LookupError("the follower is dead")

policies.PolicyTopic.follow = follow
worker_main.main()
"""


@pytest.fixture(
    params=[
        pytest.param("cluster", marks=pytest.mark.kafka),
        pytest.param("tansu_cluster", marks=pytest.mark.pip_broker),
    ]
)
def any_cluster(request: pytest.FixtureRequest) -> ClusterSettings:
    """Give each broker in turn, with all topics."""
    settings: ClusterSettings = request.getfixturevalue(request.param)
    ensure_topics(settings)
    return settings


def record(tenant_id: str, shared_after: int, command_id: str = "c-1") -> tuple[bytes, bytes]:
    policy = TenantPolicy(
        tenant_id=tenant_id,
        policy=PolicyDocument(shared_after=shared_after),
        set_at=datetime(2026, 11, 24, tzinfo=UTC),
        set_by="alice",
        command_id=command_id,
    )
    return tenant_id.encode(), encode(policy)


@contextmanager
def opened(cluster: ClusterSettings) -> Iterator[tuple[PolicyTopic, PolicyBook]]:
    """Give the topic, read to its end, and the book kept by it."""
    book = PolicyBook(PolicyDocument())
    topic = PolicyTopic(cluster, book)
    topic.read()
    try:
        yield topic, book
    finally:
        topic.close()


@contextmanager
def followed(topic: PolicyTopic, apply: Callable[[Callable[[], None]], Any]) -> Iterator[Thread]:
    """Follow the topic for the length of the block."""
    stop = Event()
    thread = Thread(target=topic.follow, args=(stop, apply))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


def at_once(change: Callable[[], None]) -> None:
    change()


def held_claims(cluster: ClusterSettings) -> list[str]:
    return [
        msgspec.json.decode(value or b"")["fingerprint"]
        for key, value in read(cluster, topics.POLICIES)
        if key == SALT_KEY
    ]


def test_all_that_the_topic_says_is_in_force_once_it_is_read(any_cluster: ClusterSettings) -> None:
    tenants = [f"tenant-{number}" for number in range(300)]
    send(any_cluster, topics.POLICIES, [record(tenant, 7) for tenant in tenants])
    send(any_cluster, topics.POLICIES, [record(tenant, 8) for tenant in tenants[:100]])
    with opened(any_cluster) as (_, book):
        assert [book.of(t).shared_after for t in tenants] == [8] * 100 + [7] * 200


def test_a_topic_that_says_nothing_leaves_the_settings_and_the_file_in_force(
    any_cluster: ClusterSettings,
) -> None:
    with opened(any_cluster) as (_, book):
        assert book.of("acme") == Policy()


def test_what_is_said_later_is_followed_past_records_that_cannot_be_used(
    any_cluster: ClusterSettings, caplog: pytest.LogCaptureFixture
) -> None:
    send(any_cluster, topics.POLICIES, [record("acme", 7)])
    with (
        caplog.at_level("INFO", logger="streams.policies"),
        opened(any_cluster) as (topic, book),
        followed(topic, at_once),
    ):
        assert book.of("acme").shared_after == 7
        send(any_cluster, topics.POLICIES, [(b"acme", b"no policy"), (b"\xff", b"{}")])
        send(any_cluster, topics.POLICIES, [record("acme", 8, "c-2")])
        wait_until(lambda: book.of("acme").shared_after == 8, "the change is in force")
    lines = [line.getMessage() for line in caplog.records]
    assert "Tenant acme's policy was changed by alice (command c-2)" in lines
    assert not any("(command c-1)" in line for line in lines)  # that was so before
    passed_over = [line for line in lines if line.startswith("a policy cannot be used")]
    assert len(passed_over) == 2


@pytest.mark.kafka
def test_changes_are_handed_over_and_not_made_by_the_thread_that_reads(
    cluster: ClusterSettings,
) -> None:
    ensure_topics(cluster)
    changes: list[Callable[[], None]] = []
    with opened(cluster) as (topic, book), followed(topic, changes.append):
        send(cluster, topics.POLICIES, [record("acme", 8)])
        wait_until(lambda: bool(changes), "the change is handed over")
        assert book.of("acme") == Policy()
        changes[0]()
        assert book.of("acme") == Policy(shared_after=8)


@pytest.mark.kafka
def test_a_broker_that_is_away_is_waited_for_and_told_of_once(
    cluster: ClusterSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ensure_topics(cluster)
    with opened(cluster) as (topic, book):
        real, failures = topic._poll, [KafkaConnectionError("away"), KafkaConnectionError("away")]

        def poll() -> list[InRecord]:
            if failures:
                raise failures.pop()
            return real()

        monkeypatch.setattr(topic, "_poll", poll)
        with followed(topic, at_once):
            send(cluster, topics.POLICIES, [record("acme", 8)])
            wait_until(lambda: book.of("acme").shared_after == 8, "the change is in force")
    told = [line for line in caplog.messages if "cannot be followed" in line]
    assert len(told) == 1


@pytest.mark.kafka
def test_an_absent_topic_is_an_error_that_says_how_to_make_it(cluster: ClusterSettings) -> None:
    with pytest.raises(PolicyError, match="omnichannel topics"):
        PolicyTopic(cluster, PolicyBook(PolicyDocument())).read()


def test_an_absent_broker_is_an_error_within_the_time_given() -> None:
    nobody = ClusterSettings(bootstrap_servers=f"127.0.0.1:{free_port()}")
    with pytest.raises(PolicyError, match="does Kafka answer at 127"):
        PolicyTopic(nobody, PolicyBook(PolicyDocument())).read(seconds=0.5)


def test_the_first_worker_claims_the_state_for_its_salt_and_others_with_it_go_on(
    any_cluster: ClusterSettings,
) -> None:
    for _ in range(3):
        with opened(any_cluster) as (topic, _book):
            topic.hold_salt(SALT)
    assert held_claims(any_cluster) == [SALT.fingerprint()]


def test_another_salt_than_the_states_is_refused_and_leaves_no_trace(
    any_cluster: ClusterSettings,
) -> None:
    with opened(any_cluster) as (topic, _):
        topic.hold_salt(SALT)
    for other in (OTHER, Addresses("")):
        with opened(any_cluster) as (topic, _), pytest.raises(PolicyError, match="set it to what"):
            topic.hold_salt(other)
    assert held_claims(any_cluster) == [SALT.fingerprint()]


@pytest.mark.kafka
def test_a_salt_for_a_state_that_was_made_without_is_refused(cluster: ClusterSettings) -> None:
    ensure_topics(cluster)
    with opened(cluster) as (topic, _):
        topic.hold_salt(Addresses(""))
    with opened(cluster) as (topic, _), pytest.raises(PolicyError, match="made without"):
        topic.hold_salt(SALT)


def test_of_two_salts_that_are_claimed_at_once_the_first_in_the_log_stays(
    any_cluster: ClusterSettings,
) -> None:
    with opened(any_cluster) as (early, _), opened(any_cluster) as (late, _):  # both found none
        early.hold_salt(SALT)
        with pytest.raises(PolicyError):
            late.hold_salt(OTHER)
    first, other = SALT.fingerprint(), OTHER.fingerprint()
    assert held_claims(any_cluster) == [first, other, first]  # the last one is what is kept
    with opened(any_cluster) as (topic, _):
        topic.hold_salt(SALT)
    with opened(any_cluster) as (topic, _), pytest.raises(PolicyError):
        topic.hold_salt(OTHER)


def test_a_worker_that_died_between_its_claim_and_its_refusal_changes_nothing(
    any_cluster: ClusterSettings,
) -> None:
    first, other = SALT.fingerprint(), OTHER.fingerprint()
    claims = [msgspec.json.encode({"fingerprint": claim}) for claim in (first, other)]
    send(any_cluster, topics.POLICIES, [(SALT_KEY, claim) for claim in claims])
    with opened(any_cluster) as (topic, _):
        topic.hold_salt(SALT)
    with opened(any_cluster) as (topic, _), pytest.raises(PolicyError):
        topic.hold_salt(OTHER)
    with opened(any_cluster) as (topic, _):
        topic.hold_salt(SALT)


@pytest.mark.kafka
def test_a_worker_with_another_salt_ends_with_1_and_says_what_to_do(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    worker = WorkerProcess(cluster, tmp_path, "one")
    with running(worker, OMNICHANNEL_IDENTITY_SALT="pepper"):
        wait_until(lambda: worker.has_said("Ready: "), "the worker is ready")
        assert not worker.has_said("OMNICHANNEL_IDENTITY_SALT is not set")
    worker.start(OMNICHANNEL_IDENTITY_SALT="salt")
    assert worker.wait_for_death() == 1
    assert worker.has_said("cannot start: OMNICHANNEL_IDENTITY_SALT is not what")


@pytest.mark.kafka
def test_a_worker_without_a_salt_warns_and_stops_when_told(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    worker = WorkerProcess(cluster, tmp_path, "one")
    with running(worker, OMNICHANNEL_IDENTITY_SALT=""):
        wait_until(lambda: worker.has_said("Ready: "), "the worker is ready")
        assert worker.log_file.read_text().count("OMNICHANNEL_IDENTITY_SALT is not set") == 1
        worker.send(signal.SIGTERM)
        assert worker.wait_for_death() == 0


@pytest.mark.kafka
def test_a_worker_whose_follower_dies_does_not_go_on_unnoticed(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    worker = WorkerProcess(cluster, tmp_path, "one")
    worker.folder.mkdir(parents=True)
    ended = subprocess.run(
        [sys.executable, "-c", BROKEN_FOLLOWER],
        env=worker._env,
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=90,
    )
    assert ended.returncode == 1
    assert worker.has_said("the follower is dead")


@pytest.mark.kafka
def test_a_policy_set_from_the_command_line_holds_for_what_is_processed_from_then_on(
    cluster: ClusterSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ensure_topics(cluster)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.topic_prefix)
    document = tmp_path / "acme.toml"
    document.write_text("autoCreation = false\nregion = 'BR'\n")
    with running(WorkerProcess(cluster, tmp_path, "one")) as worker:
        wait_until(lambda: worker.has_said("Ready: "), "the worker is ready")
        send(cluster, topics.MESSAGES_INBOUND, [(b"k", encoded([message("m1")])[0])])
        wait_until_processed(cluster)
        command_line(
            ["policy", "set", str(document), "--tenant", "acme", "--by", "alice"],
            result_action="return_value",
        )
        assert "acme's policy is changed (command " in capsys.readouterr().out
        wait_until(
            lambda: worker.has_said("Tenant acme's policy was changed by alice (command "),
            "the worker knows of it",
        )
        after = [
            message("m2", person="5521988887777"),
            message("m3", person="5521988887777", tenant_id="other"),
        ]
        send(cluster, topics.MESSAGES_INBOUND, [(b"k", value) for value in encoded(after)])
        wait_until_processed(cluster)
    customers = answer_on(cluster).customers.values()
    assert sorted(customer["tenantId"] for customer in customers) == ["acme", "other"]
    command_line(["policy", "show", "--tenant", "acme"], result_action="return_value")
    shown = capsys.readouterr().out
    assert shown.startswith("# acme: set by alice at ")
    assert "autoCreation = false" in shown
    assert 'region = "BR"' in shown
    command_line(["policy", "show"], result_action="return_value")
    everything = tmp_path / "policies.toml"
    everything.write_text(capsys.readouterr().out)
    default, by_tenant = policies_in(everything)
    assert (default.auto_creation, default.region) == (True, None)
    assert {name: own.region for name, own in by_tenant.items()} == {"acme": "BR"}


@pytest.mark.kafka
def test_a_policy_that_no_worker_answers_is_an_error_that_says_so(
    cluster: ClusterSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.topic_prefix)
    document = tmp_path / "acme.toml"
    document.write_text("autoCreation = false")
    words = ["policy", "set", str(document), "--tenant", "acme", "--wait-seconds", "0.5"]
    with pytest.raises(CommandError, match="does a worker run"):
        command_line(words, result_action="return_value")
    ((key, value),) = read(cluster, topics.CUSTOMER_COMMANDS)
    command = msgspec.json.decode(value or b"", type=SetPolicy)
    assert (key, command.policy.auto_creation) == (b"acme", False)


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--tenant", "_salt"], "tenantId '_salt'"),
        (["--tenant", "acme"], "`sharedAfter`"),
    ],
)
def test_a_policy_that_cannot_be_is_not_sent(
    cluster: ClusterSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    fault: str,
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.topic_prefix)
    document = tmp_path / "policy.toml"
    document.write_text("sharedAfter = 0")
    with pytest.raises((CommandError, PolicyError), match=fault):
        command_line(["policy", "set", str(document), *words], result_action="return_value")
    ensure_topics(cluster)
    assert not read(cluster, topics.CUSTOMER_COMMANDS)


@pytest.mark.kafka
def test_a_policy_set_twice_by_a_replay_is_the_same_policy(
    cluster: ClusterSettings, tmp_path: Path
) -> None:
    ensure_topics(cluster)
    command = SetPolicy(
        id="c-1",
        tenant_id="acme",
        issued_at=datetime(2026, 11, 24, tzinfo=UTC),
        issued_by="alice",
        policy=PolicyDocument(shared_after=9),
    )
    with running(WorkerProcess(cluster, tmp_path, "one")):
        send(cluster, topics.CUSTOMER_COMMANDS, [(b"acme", encode(command))] * 2)
        wait_until_processed(cluster)
    with opened(cluster) as (_, book):
        assert book.of("acme") == Policy(shared_after=9)
    answers = {
        msgspec.json.decode(value or b"", type=CustomerEvent).id
        for _, value in read(cluster, topics.CUSTOMER_EVENTS)
    }
    assert len(answers) == 1
