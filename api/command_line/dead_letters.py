"""`omnichannel dead-letters list`, `show` and `replay`: what could not be understood.

What a replay does, and to which letters, is `streams.dead_letters`' business and said in
docs/operations.md.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Final

import cyclopts
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.command_line.errors import CommandError
from streams.cluster import ClusterSettings
from streams.contracts.dead_letters import DeadLetter, Reason
from streams.dead_letters import Chosen, open_letters, read_letters
from streams.dead_letters import replay as replay_letters

_SHOWN: Final = 20
_RAW_SHOWN: Final = 2_000
# Expected day by day: they are replayed only when somebody asks for them by name.
_EXPECTED: Final[Reason] = "not_a_person"

app = cyclopts.App(name="dead-letters", help="Look at what could not be understood; put it back.")

ReasonOption = Annotated[Reason | None, cyclopts.Parameter(help="Only of this reason.")]
PlatformOption = Annotated[str | None, cyclopts.Parameter(help="Only bodies of this platform.")]
TenantOption = Annotated[str | None, cyclopts.Parameter(help="Only of this tenant's channels.")]


@app.command(name="list")
def list_letters(
    *, reason: ReasonOption = None, platform: PlatformOption = None, tenant: TenantOption = None
) -> None:
    """List what waits, the newest first, and how much there is of each reason."""
    letters = open_letters(ClusterSettings(), _chosen(reason, platform, tenant))
    if not letters:
        print("No dead letters wait.")
        return
    console = Console()
    counts = Counter((one.reason, one.platform or one.topic) for one in letters.values())
    for (of_reason, where), count in counts.most_common():
        console.print(f"{count:,} {of_reason} from {escape(where)}")
    table = Table("id", "since", "reason", "what", box=None)
    newest = sorted(letters.values(), key=lambda one: one.received_at, reverse=True)
    for letter in newest[:_SHOWN]:
        since = letter.received_at.strftime("%Y-%m-%d %H:%M")
        table.add_row(escape(letter.id), since, letter.reason, escape(letter.detail))
    console.print(table)
    if len(newest) > _SHOWN:
        console.print(f"and {len(newest) - _SHOWN:,} more; narrow it by reason or platform")


@app.command
def show(letter_id: str) -> None:
    """Print one letter with the bytes that came: they may hold personal data."""
    found: DeadLetter | None = None
    for letter in read_letters(ClusterSettings(), lambda one: one.id == letter_id):
        found = found or letter
    if found is None:
        raise CommandError(f"there is no dead letter {letter_id}: `omnichannel dead-letters list`")
    console = Console()
    console.print(f"{found.reason}: {escape(found.detail)}")
    console.print(f"received {found.received_at.isoformat()}, {len(found.raw):,} bytes kept")
    for name, value in found.headers.items():
        console.print(escape(f"{name}: {value}"))
    console.print(escape(found.raw[:_RAW_SHOWN].decode("utf-8", "backslashreplace")))


@app.command
def replay(
    *ids: str,
    reason: ReasonOption = None,
    platform: PlatformOption = None,
    tenant: TenantOption = None,
) -> None:
    """Put letters back on their topics: those named, or all that wait but for service senders."""
    cluster = ClusterSettings()
    named = frozenset(ids)
    matching = _chosen(reason, platform, tenant)

    def chosen(letter: DeadLetter) -> bool:
        if named:
            return letter.id in named
        return matching(letter) and (reason is not None or letter.reason != _EXPECTED)

    waiting = frozenset(open_letters(cluster, chosen))
    if unknown := named - waiting:
        raise CommandError(
            f"{len(unknown)} of these are no dead letters that wait, such as {min(unknown)}: "
            "`omnichannel dead-letters list`"
        )
    if not waiting:
        print("No dead letters to replay.")
        return
    report = replay_letters(cluster, waiting, now=datetime.now(UTC))
    print(f"Put back {report.records:,} records for {report.letters:,} letters.")
    for letter_id, why in report.left[:_SHOWN]:
        print(f"Left {letter_id}: {why}.")
    if len(report.left) > _SHOWN:
        print(f"Left {len(report.left) - _SHOWN:,} more.")


def _chosen(reason: Reason | None, platform: str | None, tenant: str | None) -> Chosen:
    def chosen(letter: DeadLetter) -> bool:
        return (
            reason in {None, letter.reason}
            and platform in {None, letter.platform}
            and tenant in {None, letter.tenant_id}
        )

    return chosen
