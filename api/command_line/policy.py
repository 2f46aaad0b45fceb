"""`omnichannel policy show` and `set`: what a tenant decides about identities.

What is shown is as a policy file has it, so it can be kept, changed and set again.
"""

import getpass
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Self
from uuid import uuid4

import cyclopts
import msgspec
from kafka import KafkaConsumer, TopicPartition
from rich.console import Console

from api.command_line.errors import CommandError
from streams.cluster import ClusterSettings
from streams.contracts.commands import SetPolicy
from streams.contracts.customers import CustomerEvent
from streams.contracts.wire import encode
from streams.ends import end_offsets
from streams.identity.normalise import Rejection, tenant_of
from streams.policies import (
    PolicyBook,
    PolicyTopic,
    in_a_line,
    policy_book,
)
from streams.policy_file import as_toml, policy_in, tenant_table
from streams.settings import WorkerSettings
from streams.topic_admin import ensure_topics
from streams.topics import CUSTOMER_COMMANDS, CUSTOMER_EVENTS, TopicSpec, full_name
from streams.traffic.sender import send_all

ANSWER_SECONDS: Final = 30.0
_POLL_MS: Final = 250

_event_decoder = msgspec.json.Decoder(CustomerEvent)

app = cyclopts.App(name="policy", help="What a tenant decides about identities.")


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: TopicSpec
    key: bytes
    value: bytes


@app.command
def show(
    *,
    tenant: Annotated[
        str | None, cyclopts.Parameter(help="Only this one's, as `policy set` takes it.")
    ] = None,
) -> None:
    """Print the policies in force: settings, policy file and commands together, as TOML."""
    book, cluster = policy_book(WorkerSettings()), ClusterSettings()
    topic = PolicyTopic(cluster, book)
    with Console(stderr=True).status("reading the policies"):
        topic.read()
        topic.close()
    if tenant is not None:
        print(_shown(book, _tenant(tenant), ""))
        return
    print(as_toml(book.document_of(None), "default"))
    for name in book.tenants():
        print("\n" + _shown(book, name, tenant_table(name)))


@app.command(name="set")
def set_(
    file: Annotated[Path, cyclopts.Parameter(help="TOML with the policy's keys at its top.")],
    *,
    tenant: Annotated[str, cyclopts.Parameter(help="Whose policy it is.")],
    by: Annotated[
        str | None, cyclopts.Parameter(help="Who sets it; the user of this machine without.")
    ] = None,
    wait_seconds: Annotated[
        float,
        cyclopts.Parameter(
            help="For a worker's answer.", validator=cyclopts.validators.Number(gt=0)
        ),
    ] = ANSWER_SECONDS,
) -> None:
    """Replace what was set for the tenant before, and wait until a worker has done so."""
    command = SetPolicy(
        id=str(uuid4()),
        tenant_id=_tenant(tenant),
        issued_at=datetime.now(UTC),
        issued_by=by or getpass.getuser(),
        policy=policy_in(file),
    )
    cluster = ClusterSettings()
    ensure_topics(cluster)
    outgoing = _Outgoing(CUSTOMER_COMMANDS, command.tenant_id.encode(), encode(command))
    with Console(stderr=True).status("waiting for the answer"), _Answers(cluster) as answers:
        send_all([outgoing], cluster)
        answer = answers.to(command.id, seconds=wait_seconds)
    if answer.type == "command.refused":
        raise CommandError(f"the command {command.id} was refused: {answer.detail}")
    print(
        f"{command.tenant_id}'s policy is changed (command {command.id}): it holds for what is "
        "processed from now on."
    )


class _Answers:
    """What comes on `customer-events` from now on; open it as a context before asking."""

    def __init__(self, cluster: ClusterSettings) -> None:
        self._cluster = cluster

    def __enter__(self) -> Self:
        """Connect, and stand at the end of the topic."""
        name = full_name(CUSTOMER_EVENTS, self._cluster.topic_prefix)
        self._consumer: Any = KafkaConsumer(
            **self._cluster.client_options(), group_id=None, enable_auto_commit=False
        )
        numbers = self._consumer.partitions_for_topic(name) or ()
        ends = end_offsets(self._consumer, [TopicPartition(name, number) for number in numbers])
        self._consumer.assign(list(ends))
        for partition, end in ends.items():
            self._consumer.seek(partition, end)
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect."""
        self._consumer.close()

    def to(self, command_id: str, *, seconds: float) -> CustomerEvent:
        """Return the event that answers the command."""
        deadline = time.monotonic() + seconds
        asked = command_id.encode()
        while time.monotonic() < deadline:
            for records in self._consumer.poll(timeout_ms=_POLL_MS).values():
                for record in records:
                    if asked in (record.value or b""):
                        event = _event_decoder.decode(record.value)
                        if event.command_id == command_id:
                            return event
        raise CommandError(
            f"no answer to the command {command_id} within {seconds:g} s: does a worker run "
            "(`omnichannel worker`)? The command waits for it, and is carried out when one does"
        )


def _tenant(name: str) -> str:
    tenant = tenant_of(name)
    if isinstance(tenant, Rejection):
        raise CommandError(tenant.detail)
    return tenant


def _shown(book: PolicyBook, tenant: str, table: str) -> str:
    by = book.setting_of(tenant)
    said = (
        f"set by {in_a_line(by.set_by)} at {by.set_at.isoformat()}, "
        f"command {in_a_line(by.command_id)}"
        if by
        else "as the settings and the policy file say"
    )
    return f"# {tenant}: {said}\n" + as_toml(book.document_of(tenant), table)
