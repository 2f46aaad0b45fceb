"""Sending with a progress bar: what `generate` and `send` share. How it is sent is the sender's."""

from collections.abc import Callable, Iterable, Mapping

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from streams.cluster import ClusterSettings
from streams.traffic.sender import Outgoing, send_all


def send_showing_progress(
    records: Iterable[Outgoing],
    cluster: ClusterSettings,
    *,
    done_share: Callable[[int], float],
    records_per_second: float | None = None,
) -> Mapping[str, int]:
    """Send all records and return how many each topic took.

    `done_share` tells from the number acknowledged how much of the whole that is, from 0 to 1.
    """
    with Progress(
        TextColumn("sending"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[acknowledged]:,} acknowledged"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("sending", total=1.0, acknowledged=0)

        def show(acknowledged: int) -> None:
            progress.update(task, completed=done_share(acknowledged), acknowledged=acknowledged)

        return send_all(records, cluster, records_per_second=records_per_second, on_sent=show)


def where(sent: Mapping[str, int]) -> str:
    """Return `1,204 to messages.inbound, 803 to messages.outbound`."""
    return ", ".join(f"{count:,} to {name}" for name, count in sorted(sent.items())) or "nothing"
