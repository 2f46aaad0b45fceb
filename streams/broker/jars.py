"""Apache Kafka's jars: fetched once by Maven, then shared by every broker of the machine's user.

Owns the jars folder; leaves running them to streams.broker.kafka.
"""

import re
import shutil
import subprocess
from pathlib import Path

from streams.broker.folders import built_whole, exclusive
from streams.broker.port import BrokerUnavailable, Say

POM = Path(__file__).with_name("pom.xml")
FETCH_SECONDS = 900.0  # 43 MB; minutes on a slow line are no reason to give up


def kafka_version() -> str:
    """Return the version that the pom names: the only place that does."""
    found = re.search(r"<kafka\.version>([^<]+)</kafka\.version>", POM.read_text())
    if found is None:
        raise RuntimeError(f"{POM} names no kafka.version")
    return found.group(1)


def jars_of(jars_folder: Path) -> Path:
    """Return where this version's jars are, or will be once they are fetched whole."""
    return jars_folder / f"kafka-{kafka_version()}"


def has_jars(jars_folder: Path) -> bool:
    """Return whether Kafka can run here without Maven."""
    return jars_of(jars_folder).is_dir()


def has_maven() -> bool:
    """Return whether jars can be fetched here."""
    return shutil.which("mvn") is not None


def fetched_jars(jars_folder: Path, *, say: Say) -> Path:
    """Return the folder with all jars, fetching them if need be. Raises BrokerUnavailable.

    Processes that need them at once wait for the one that fetches.
    """
    jars = jars_of(jars_folder)
    if has_jars(jars_folder):
        return jars
    with exclusive(jars_folder / "fetch.lock"):
        if not has_jars(jars_folder):  # the process we waited for may have done it
            say(f"Fetching Apache Kafka {kafka_version()} by Maven, once: about 43 MB to {jars} …")
            with built_whole(jars) as part:
                _fetch(part)
    return jars


def _fetch(folder: Path) -> None:
    if (maven := shutil.which("mvn")) is None:
        raise BrokerUnavailable(
            "Apache Kafka's jars are not here yet and fetching them needs Maven: install it "
            "(`mvn` on PATH), or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs already."
        )
    command = [
        *(maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"),
        "-DincludeScope=runtime",
        f"-DoutputDirectory={folder.resolve()}",
    ]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=FETCH_SECONDS
        )
    except subprocess.TimeoutExpired as err:
        raise BrokerUnavailable(
            f"Maven did not finish within {FETCH_SECONDS:.0f} s: check the network, then start "
            "again; what Maven has got already is kept in its own cache."
        ) from err
    if answer.returncode != 0 or not any(folder.glob("kafka_*.jar")):
        said = "\n".join((answer.stdout + answer.stderr).strip().splitlines()[:8])
        raise BrokerUnavailable(
            "Maven could not fetch Apache Kafka: check the network and Maven's settings.xml "
            f"(proxy, mirror), then start again. Maven said:\n{said}"
        )
