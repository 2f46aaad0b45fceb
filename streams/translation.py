"""The worker's first step: messages and commands to operations on identity nodes. Pure."""

from collections.abc import Sequence
from datetime import datetime
from itertools import count, repeat

import msgspec

from streams import topics
from streams.channel_file import NO_CHANNELS, Channels
from streams.channels.cloud_events import CloudEvent, cloud_event_of
from streams.channels.reading import Unreadable
from streams.contracts.commands import AnyCommand, ImportContact, SetPolicy
from streams.contracts.messages import Message
from streams.contracts.policies import TenantPolicy
from streams.contracts.wire import encode
from streams.engine.batches import Effects, InRecord
from streams.identity.addresses import Addresses, index_address
from streams.identity.events import answer_event
from streams.identity.imports import contact_keys
from streams.identity.instants import credible_ms, to_datetime, to_ms
from streams.identity.normalise import Rejection, normalise, tenant_of
from streams.identity.operations import Ask, Introduce, encode_operation
from streams.identity.refusals import RefusedError
from streams.native import reading_of_record
from streams.outbox import UNREADABLE, Outbox, PolicyOf, TopicNames

_message_decoder = msgspec.json.Decoder(Message)
_command_decoder: msgspec.json.Decoder[AnyCommand] = msgspec.json.Decoder(AnyCommand)


class _Addressee(msgspec.Struct, rename="camel"):
    """As much of a command that cannot be read as it takes to answer it."""

    id: str
    tenant_id: str
    issued_at: datetime
    customer_id: str | None = None


_addressee_decoder = msgspec.json.Decoder(_Addressee)


class Translate:
    """Messages, native or canonical, and commands to operations on the nodes they are about."""

    def __init__(
        self,
        names: TopicNames,
        policy_of: PolicyOf,
        addresses: Addresses,
        channels: Channels = NO_CHANNELS,
    ) -> None:
        self._names = names
        self._policy_of = policy_of
        self._addresses = addresses
        self._channels = channels
        self._platforms = {names(topic): name for name, topic in topics.NATIVE.items()}
        self._notices = names(topics.CHANNEL_NOTICES)
        self._interactions = names(topics.INTERACTIONS)
        self._commands = names(topics.CUSTOMER_COMMANDS)
        self._events = names(topics.CUSTOMER_EVENTS)
        self._policies = names(topics.POLICIES)

    def __call__(self, records: Sequence[InRecord]) -> Effects:
        """Return what each record asks for, or why it was set aside or refused."""
        outbox = Outbox(self._names)
        for record in records:
            if record.topic == self._commands:
                self._command(record, outbox)
            else:
                self._said(record, outbox)
        return Effects(outbox.records, told=outbox.reasons)

    def _said(self, record: InRecord, outbox: Outbox) -> None:
        event = cloud_event_of(record.value, record.headers) if record.headers else None
        if isinstance(event, Unreadable):
            outbox.set_aside(record, "unreadable", event.detail)
        elif (platform := self._platforms.get(record.topic)) is not None:
            self._native(record, event, platform, outbox)
        else:
            body = (record.value or b"") if event is None else event.data
            self._canonical(record, body, outbox)

    def _canonical(self, record: InRecord, body: bytes, outbox: Outbox) -> None:
        try:
            message = _message_decoder.decode(body)
        except UNREADABLE as error:
            outbox.set_aside(record, "unreadable", str(error))
            return
        self._message(message, record, outbox)

    def _native(
        self, record: InRecord, event: CloudEvent | None, platform: str, outbox: Outbox
    ) -> None:
        reading = reading_of_record(record, event, platform, self._channels)
        parts = count() if len(reading.messages) + len(reading.unreadable) > 1 else repeat(None)
        for message in reading.messages:
            self._message(message, record, outbox, part=next(parts))
        for notice in reading.notices:
            key = f"{notice.tenant_id}/{notice.channel_id}".encode()
            outbox.put(self._notices, key, encode(notice), record)
        for unreadable in reading.unreadable:
            outbox.set_aside(record, "unreadable", unreadable.detail, part=next(parts))

    def _message(
        self, message: Message, record: InRecord, outbox: Outbox, *, part: int | None = None
    ) -> None:
        found = normalise(message, record.timestamp, self._policy_of(message.tenant_id))
        if isinstance(found, Rejection):
            outbox.set_aside(record, found.reason, found.detail, part=part)
            return
        identity_key, operation = found
        address = self._addresses.node(message.tenant_id, identity_key)
        outbox.put(self._interactions, address.encode(), encode_operation(operation), record)

    def _command(self, record: InRecord, outbox: Outbox) -> None:
        value = record.value or b""
        try:
            command = _command_decoder.decode(value)
        except UNREADABLE as error:
            self._refuse(record, str(error), outbox)
            return
        tenant = tenant_of(command.tenant_id)
        if isinstance(tenant, Rejection):
            outbox.set_aside(record, tenant.reason, tenant.detail)
            return
        at_ms = credible_ms(to_ms(command.issued_at), record.timestamp)
        if isinstance(command, SetPolicy):
            self._set_policy(command, at_ms, record, outbox)
            return
        if isinstance(command, ImportContact):
            self._introduce(command, at_ms, record, outbox)
            return
        address = index_address(tenant, command.customer_id)
        ask = Ask(command=command, at_ms=at_ms)
        outbox.put(self._interactions, address.encode(), encode_operation(ask), record)

    def _introduce(
        self, command: ImportContact, at_ms: int, record: InRecord, outbox: Outbox
    ) -> None:
        tenant_id = command.tenant_id
        try:
            key, *_ = contact_keys(command, self._policy_of(tenant_id))
        except RefusedError as error:
            event = answer_event(tenant_id, command.id, None, at_ms=at_ms, refused=str(error))
            outbox.put(
                self._events,
                event.id.encode(),
                encode(event),
                record,
                partition_key=tenant_id.encode(),
            )
            return
        address = self._addresses.node(tenant_id, key)
        introduce = Introduce(command=command, at_ms=at_ms)
        outbox.put(self._interactions, address.encode(), encode_operation(introduce), record)

    def _set_policy(self, command: SetPolicy, at_ms: int, record: InRecord, outbox: Outbox) -> None:
        policy = TenantPolicy(
            tenant_id=command.tenant_id,
            policy=command.policy,
            set_at=to_datetime(at_ms),
            set_by=command.issued_by,
            command_id=command.id,
        )
        event = answer_event(
            command.tenant_id, command.id, None, at_ms=at_ms, event_type="policy.changed"
        )
        tenant = command.tenant_id.encode()
        outbox.put(self._policies, tenant, encode(policy), record)
        outbox.put(self._events, event.id.encode(), encode(event), record, partition_key=tenant)

    def _refuse(self, record: InRecord, why: str, outbox: Outbox) -> None:
        """Set aside what is no command, and answer it if it says whose it is."""
        outbox.set_aside(record, "unreadable", why)
        try:
            addressee = _addressee_decoder.decode(record.value or b"")
        except UNREADABLE:
            return
        if isinstance(tenant_of(addressee.tenant_id), Rejection):
            return
        event = answer_event(
            addressee.tenant_id,
            addressee.id,
            addressee.customer_id,
            at_ms=record.timestamp,
            refused=why,
        )
        key = addressee.customer_id or addressee.tenant_id
        outbox.put(
            self._events, event.id.encode(), encode(event), record, partition_key=key.encode()
        )
