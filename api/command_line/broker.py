"""The commands `omnichannel broker start`, `stop` and `status`.

Thin: what a broker is and does is in streams.broker.
"""

import sys
from pathlib import Path
from typing import Annotated

import cyclopts

from streams.broker import BrokerKind, BrokerUnavailable, LocalBroker, local_broker
from streams.cluster import ClusterSettings

DEFAULT_PORT = 9092
DEFAULT_STATE_FOLDER = Path(".omnichannel")
KIND_HELP = "kafka: needs Java 17+ and Maven; tansu: in memory only; auto: kafka where it can run."

StateFolder = Annotated[
    Path,
    cyclopts.Parameter(
        env_var="OMNICHANNEL_STATE_FOLDER", help="Where the broker's data and jars are kept."
    ),
]

app = cyclopts.App(name="broker", help="Run a Kafka broker on this machine, in the background.")


@app.command
def start(
    *,
    kind: Annotated[BrokerKind, cyclopts.Parameter(help=KIND_HELP)] = "auto",
    port: Annotated[int, cyclopts.Parameter(help="The port on 127.0.0.1.")] = DEFAULT_PORT,
    state_folder: StateFolder = DEFAULT_STATE_FOLDER,
) -> None:
    """Start it and wait until it answers; it keeps running after this command has ended."""
    if (outside := outside_broker()) is not None:
        print(f"KAFKA_BOOTSTRAP_SERVERS is set: {outside} is used, nothing is started here.")
        return
    try:
        address = broker_in(state_folder, kind=kind, port=port).start()
    except BrokerUnavailable as err:
        raise SystemExit(str(err)) from err
    print(address)
    if address != ClusterSettings.model_fields["bootstrap_servers"].default:
        print(f"Tell the other commands: export KAFKA_BOOTSTRAP_SERVERS={address}")
    print("It runs in the background; stop it with: omnichannel broker stop")


@app.command
def stop(*, state_folder: StateFolder = DEFAULT_STATE_FOLDER) -> None:
    """Stop what was started from this state folder. Kafka's data stays, Tansu's is gone."""
    running = running_in(state_folder)
    for broker in running:
        broker.stop()
        print(f"{broker.name} is stopped.")
    if not running:
        print("No broker runs here.")


@app.command
def status(*, state_folder: StateFolder = DEFAULT_STATE_FOLDER) -> None:
    """Show which broker is used and whether it runs."""
    if (outside := outside_broker()) is not None:
        print(f"KAFKA_BOOTSTRAP_SERVERS is set: {outside} is used.")
    running = running_in(state_folder)
    for broker in running:
        now = broker.status()
        kept = f"data in {now.data_folder}" if now.data_folder else "data in memory only"
        print(f"{now.name} runs at {now.bootstrap_servers} (process {now.pid}, {kept}).")
    if not running:
        print("No broker runs here; start one with: omnichannel broker start")


def outside_broker() -> str | None:
    """Return the addresses that KAFKA_BOOTSTRAP_SERVERS names, None when it names none."""
    cluster = ClusterSettings()
    is_set = "bootstrap_servers" in cluster.model_fields_set and cluster.servers
    return cluster.bootstrap_servers if is_set else None


def broker_in(
    state_folder: Path,
    *,
    kind: BrokerKind = "auto",
    port: int | None = None,
    jars_folder: Path | None = None,
) -> LocalBroker:
    """Return the broker of a state folder as the command line lays it out; progress to stderr."""
    return local_broker(
        state_folder / "broker",
        kind=kind,
        port=port,
        say=lambda sentence: print(sentence, file=sys.stderr, flush=True),
        jars_folder=jars_folder or state_folder / "jars",
    )


def running_in(state_folder: Path) -> list[LocalBroker]:
    """Return the brokers that run from this state folder."""
    brokers = [broker_in(state_folder, kind="kafka"), broker_in(state_folder, kind="tansu")]
    return [broker for broker in brokers if broker.status().running]
