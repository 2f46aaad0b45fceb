"""What every benchmark shares: a broker, the machine's words, and the one JSON line at the end."""

import json
import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from streams.broker import local_broker


@contextmanager
def kafka() -> Iterator[str]:
    """Give the addresses of Apache Kafka: KAFKA_BOOTSTRAP_SERVERS, or one started for this run."""
    if outside := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield outside
        return
    with tempfile.TemporaryDirectory() as folder:
        broker = local_broker(Path(folder), kind="kafka", say=print)
        try:
            yield broker.start()
        finally:
            broker.stop()


def print_circumstances(*packages: str) -> None:
    """Print what a figure depends on: the command, the machine, the versions."""
    program = sys.modules["__main__"].__spec__
    name = program.name if program else sys.argv[0]
    print("command:", shlex.join(["python", "-m", name, *sys.argv[1:]]))
    print(f"machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"versions: Python {platform.python_version()}, {versions}")


def print_claim(claim: str, *, value: float, unit: str, floor: float) -> None:
    """Print the benchmark's last line; leave with 1 where the floor does not hold."""
    sys.exit(0 if told_claim(claim, value=value, unit=unit, floor=floor) else 1)


def told_claim(claim: str, *, value: float, unit: str, floor: float) -> bool:
    """Print the claim's line; say whether its floor holds."""
    holds = value >= floor
    print(
        json.dumps(
            {
                "claim": claim,
                "value": round(value, 3),
                "unit": unit,
                "floor": floor,
                "holds": holds,
            }
        )
    )
    return holds
