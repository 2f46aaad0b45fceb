"""`omnichannel demo`: the whole system on this machine, from messages to figures, and the proof.

Starts a broker and a worker, sends a population's traffic whose true answer is known, loads the
warehouse, shows it, and says whether it is right; then serves the page, until it is told to stop.
Everything started is stopped again.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import cyclopts
from rich.console import Console

from api.command_line.broker import broker_in, outside_broker, running_in
from api.command_line.comparison import differences
from api.command_line.live_demo import live
from api.command_line.progress import Steps
from api.command_line.screen import show
from pipelines.load import AnalyticsOff, load_and_refresh
from pipelines.settings import AnalyticsSettings
from streams.broker import BrokerKind
from streams.cluster import ClusterSettings
from streams.lag import WorkerLag
from streams.settings import WorkerSettings
from streams.topic_admin import delete_topics, ensure_topics
from streams.traffic import Population, TrafficPlan, TrafficRun
from streams.traffic.sender import send_all
from warehouse import open_warehouse

GIVEN_UP_AFTER_SECONDS = 600
LOOK_AGAIN_SECONDS = 0.25


class DemoFailed(RuntimeError):  # noqa: N818 - reads as the sentence it begins
    """The demo did not come to its end; the message says what to look at."""


def demo(
    *,
    people: Annotated[int, cyclopts.Parameter(help="How many people write.")] = 1_000,
    days: Annotated[int, cyclopts.Parameter(help="How far back their traffic goes.")] = 45,
    seed: Annotated[int, cyclopts.Parameter(help="Which population.")] = 1,
    kind: Annotated[BrokerKind, cyclopts.Parameter(help="Which broker to start.")] = "auto",
    headless: Annotated[
        bool, cyclopts.Parameter(negative=(), help="End with the figures; serve no page.")
    ] = False,
) -> None:
    """Show the whole system at work on this machine, check that its figures are right, and serve
    the page while people go on writing.
    """
    # Told to end, it ends what it started, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    folder = WorkerSettings().state_folder / "demo"
    plan = TrafficPlan(
        end=datetime.now(UTC).replace(microsecond=0), seed=seed, people=people, days=days
    )
    population = Population(plan)
    zones = {business.id: business.zone.key for business in population.businesses}
    with _cluster(folder, kind) as cluster:
        settings = AnalyticsSettings(warehouse_folder=folder / "warehouse", tenant_time_zones=zones)
        ensure_topics(cluster)
        run = TrafficRun(population)
        with _worker(cluster, folder) as worker:
            with Steps(console) as steps:
                with steps.step("sending messages") as step:
                    sent = send_all(run, cluster, on_sent=step.count)
                with steps.step("making customers", total=sum(sent.values())) as step:
                    _wait_until_processed(cluster, worker, step.remaining)
                with steps.step("loading the warehouse") as step:
                    report = load_and_refresh(
                        cluster,
                        settings,
                        now=lambda: plan.end,
                        on_batch=lambda batch: step.add(sum(t.read for t in batch.tables)),
                    )
            if isinstance(report, AnalyticsOff):
                console.print(
                    "Customers are on the topics; CUSTOMER_ANALYTICS_ENABLED=false loads none."
                )
            else:
                _prove(run, settings, plan, console)
            if not headless:
                live(cluster, folder, plan, settings, console)


def _prove(
    run: TrafficRun, settings: AnalyticsSettings, plan: TrafficPlan, console: Console
) -> None:
    """Show what the warehouse says; raise DemoFailed where it is not what was sent."""
    with open_warehouse(settings.published_path) as warehouse:
        show(warehouse, console)
        console.print(f"\nThe warehouse: {settings.published_path}")
        console.print(f"The worker's log: {WorkerSettings().log_file}")
        wrong = differences(run.truth(), warehouse, now=plan.end)
    truth = run.truth()
    if wrong:
        raise DemoFailed("the warehouse is wrong:\n  " + "\n  ".join(wrong))
    console.print(
        f"\nThe warehouse is right: {truth.customers:,} customers and {truth.messages:,} "
        f"messages, each exactly once, out of {truth.records:,} records sent "
        f"({truth.redelivered:,} repeated, {sum(truth.broken_by_kind.values()):,} broken).",
        style="bold green",
    )


@contextmanager
def _cluster(folder: Path, kind: BrokerKind) -> Iterator[ClusterSettings]:
    """Give a cluster with topics of the demo's own; afterwards nothing of it is left running."""
    prefix = f"demo-{uuid4().hex[:8]}-"
    if outside_broker() is not None:
        cluster = ClusterSettings(topic_prefix=prefix)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            yield cluster
        finally:
            delete_topics(cluster)
        return
    # One left behind by an interrupted demo goes first: its data would be in the way.
    for leftover in running_in(folder):
        leftover.stop()
    shutil.rmtree(folder, ignore_errors=True)
    broker = broker_in(folder, kind=kind, jars_folder=folder.parent / "jars")
    try:
        yield ClusterSettings(bootstrap_servers=broker.start(), topic_prefix=prefix)
    finally:
        broker.stop()


@contextmanager
def _worker(cluster: ClusterSettings, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a worker process beside the block."""
    env = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
        "KAFKA_TOPIC_PREFIX": cluster.topic_prefix,
        "OMNICHANNEL_STATE_FOLDER": str(folder / "worker"),
        "WORKER_SESSION_TIMEOUT_SECONDS": "6",
        "WORKER_REBALANCE_TIMEOUT_SECONDS": "6",
        "WORKER_COMMIT_INTERVAL_SECONDS": "0.3",
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "streams"],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is the demo's, which ends it in order
    )
    try:
        yield worker
    finally:
        worker.terminate()
        try:
            worker.wait(20)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _wait_until_processed(
    cluster: ClusterSettings, worker: "subprocess.Popen[bytes]", on_remaining: Callable[[int], None]
) -> None:
    deadline = time.monotonic() + GIVEN_UP_AFTER_SECONDS
    with WorkerLag(cluster) as lag:
        while (remaining := lag.remaining()) > 0:
            on_remaining(remaining)
            if worker.poll() is not None:
                raise DemoFailed(
                    f"the worker stopped by itself; {WorkerSettings().log_file} says why"
                )
            if time.monotonic() > deadline:
                raise DemoFailed(
                    f"{remaining:,} records still wait after {GIVEN_UP_AFTER_SECONDS} s; "
                    f"look into {WorkerSettings().log_file}"
                )
            time.sleep(LOOK_AGAIN_SECONDS)
