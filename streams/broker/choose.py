"""Which local broker a state folder gets.

Owns the choice; everything it chooses from is wired here and nowhere else.
"""

from pathlib import Path

from streams.broker.detached import DetachedBroker
from streams.broker.jars import has_jars, has_maven
from streams.broker.java import has_java
from streams.broker.kafka import KafkaRecipe
from streams.broker.port import BrokerKind, LocalBroker, Say
from streams.broker.tansu import TansuRecipe

JARS_FOLDER = Path(".omnichannel") / "jars"  # shared by every state folder: 43 MB once


def local_broker(
    state_folder: Path,
    *,
    kind: BrokerKind = "auto",
    port: int | None = None,
    say: Say,
    jars_folder: Path | None = None,
) -> LocalBroker:
    """Return the broker of this state folder; nothing is started or fetched yet.

    "auto" is the one that runs there already, else Apache Kafka where Java and Maven are on PATH,
    else Tansu. Without a port it takes the last one again if that is free, else any free one.
    """
    jars = (jars_folder or JARS_FOLDER).resolve()
    kafka_folder = state_folder.resolve() / "kafka"
    kafka = DetachedBroker(
        KafkaRecipe(kafka_folder, jars_folder=jars, say=say), kafka_folder, port=port, say=say
    )
    tansu = DetachedBroker(TansuRecipe(), state_folder.resolve() / "tansu", port=port, say=say)
    match kind:
        case "kafka":
            return kafka
        case "tansu":
            return tansu
        case "auto":
            if kafka.status().running:
                return kafka
            if tansu.status().running:
                return tansu
            can_run_kafka = has_java() and (has_maven() or has_jars(jars))
            return kafka if can_run_kafka else tansu
