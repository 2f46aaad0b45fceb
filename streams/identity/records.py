"""What the world is told of a node: the customer, its conversations, events and message facts.

All are derived from the state before and after a batch of operations, once a batch and not once a
message. Ids come from what happened, so a replay says the same again.
"""

from collections.abc import Iterator
from typing import Final

from streams.contracts.conversations import Conversation
from streams.contracts.customers import (
    Customer,
    CustomerEvent,
    CustomerEventType,
    CustomerIdentity,
    CustomerMetadata,
)
from streams.contracts.messages import MessageFact
from streams.identity.ids import Namespace
from streams.identity.instants import to_datetime
from streams.identity.observations import identity_name
from streams.identity.operations import Observe
from streams.identity.registers import Register, newest
from streams.identity.state import IdentityState, Root
from streams.identity.windows import Window, window_at

SOURCE: Final = "auto_created"
_EVENTS: Final = Namespace("customer-event")

Record = Customer | CustomerEvent | Conversation | MessageFact


def customer_record(root: Root, *, merged_into: str | None = None) -> Customer:
    """Return the customer as known now; as merged where another customer took it over."""
    identities = sorted(root.identities.values(), key=_first_seen)
    first = identities[0]
    name: Register | None = None
    picture_url: Register | None = None
    last_seen_at_ms = 0
    has_written = False
    phones: set[str] = set()
    emails: set[str] = set()
    for identity in identities:
        name = newest(name, identity.name)
        picture_url = newest(picture_url, identity.picture_url)
        last_seen_at_ms = max(last_seen_at_ms, identity.last_seen_at_ms)
        has_written = has_written or identity.first_inbound_at_ms is not None
        phones.update(identity.phones)
        emails.update(identity.emails)
        kind, _, value = identity.identity_key.partition(":")
        if kind == "phone":
            phones.add(value)
        elif kind == "email":
            emails.add(value)
    created_at = to_datetime(first.first_seen_at_ms)
    last_seen_at = to_datetime(last_seen_at_ms)
    return Customer(
        id=root.customer_id,
        tenant_id=root.tenant_id,
        display_name=name.value if name else first.external_id,
        identities=tuple(_identity_record(identity) for identity in identities),
        metadata=CustomerMetadata(
            source=SOURCE,
            channel=first.channel_id,
            first_contact_at=created_at,
            original_external_id=first.external_id,
            last_seen_at=last_seen_at,
            profile_picture_url=picture_url.value if picture_url else None,
        ),
        phones=tuple(sorted(phones)),
        emails=tuple(sorted(emails)),
        tags=(),
        custom_attributes={},
        status="merged" if merged_into else "active" if has_written else "contacted",
        merged_ids=root.merged_ids,
        merged_into=merged_into,
        created_at=created_at,
        updated_at=last_seen_at,
        version=root.version,
    )


def _first_seen(identity: IdentityState) -> tuple[int, str, str]:
    return (identity.first_seen_at_ms, identity.channel_id, identity.external_id)


def _identity_record(identity: IdentityState) -> CustomerIdentity:
    last_inbound_at_ms = identity.last_inbound_at_ms
    return CustomerIdentity(
        channel_id=identity.channel_id,
        channel_type=identity.channel_type,
        external_id=identity.external_id,
        identity_key=identity.identity_key,
        first_seen_at=to_datetime(identity.first_seen_at_ms),
        last_seen_at=to_datetime(identity.last_seen_at_ms),
        last_inbound_at=None if last_inbound_at_ms is None else to_datetime(last_inbound_at_ms),
        username=identity.username.value if identity.username else None,
    )


def customer_events(before: Root | None, after: Root) -> Iterator[CustomerEvent]:
    """Yield what happened to the customer between the two states."""
    known = before.identities if before else {}
    identities = sorted(after.identities.items(), key=lambda item: _first_seen(item[1]))
    if before is None:
        yield _event(after, "customer.created", identities[0][1], identities[0][0])
        identities = identities[1:]
    for name, identity in identities:
        if name not in known:
            yield _event(after, "customer.identity_added", identity, name)
    wrote_before = _first_inbound(before) if before else None
    wrote_after = _first_inbound(after)
    if wrote_after and not wrote_before and not _created_by_writing(before, after):
        yield _event(after, "customer.activated", wrote_after, "")


def merged_event(root: Root, merged_into: str) -> CustomerEvent:
    """Return the event that this customer went into another one."""
    first = min(root.identities.values(), key=_first_seen)
    return _event(root, "customer.merged", first, merged_into, merged_into=merged_into)


def _first_inbound(root: Root) -> IdentityState | None:
    written = [i for i in root.identities.values() if i.first_inbound_at_ms is not None]
    return min(written, key=lambda i: (i.first_inbound_at_ms or 0, i.channel_id), default=None)


def _created_by_writing(before: Root | None, after: Root) -> bool:
    """Say whether the person wrote first: such a customer is born active and never activated."""
    if before is not None:
        return False
    first = min(after.identities.values(), key=_first_seen)
    return first.first_inbound_at_ms == first.first_seen_at_ms


def _event(
    root: Root,
    event_type: CustomerEventType,
    identity: IdentityState,
    about: str,
    *,
    merged_into: str | None = None,
) -> CustomerEvent:
    unique = about if event_type not in {"customer.created", "customer.activated"} else ""
    activated = event_type == "customer.activated"
    at_ms = identity.first_inbound_at_ms if activated else identity.first_seen_at_ms
    return CustomerEvent(
        id=_EVENTS.id_of(f"{root.customer_id} {event_type} {unique}"),
        type=event_type,
        tenant_id=root.tenant_id,
        customer_id=root.customer_id,
        occurred_at=to_datetime(at_ms or identity.first_seen_at_ms),
        channel_id=identity.channel_id,
        channel_type=identity.channel_type,
        external_id=identity.external_id,
        merged_into=merged_into,
    )


def conversation_records(before: Root | None, after: Root) -> Iterator[Conversation]:
    """Yield the conversations that are new or changed, and those that went into another."""
    for name, identity in after.identities.items():
        known = before.identities.get(name) if before else None
        if known is not None and known.windows is identity.windows:
            continue
        old = {window.id: window for window in known.windows} if known else {}
        current = set()
        for window in identity.windows:
            current.add(window.id)
            if old.get(window.id) != window:
                yield _conversation(after, identity, window)
        for window in old.values():
            if window.id not in current:
                survivor = window_at(identity.windows, window.started_at_ms, window.platform_id)
                if survivor is not None:
                    yield _conversation(after, identity, window, merged_into=survivor.id)


def _conversation(
    root: Root, identity: IdentityState, window: Window, *, merged_into: str | None = None
) -> Conversation:
    return Conversation(
        id=window.id,
        tenant_id=root.tenant_id,
        customer_id=root.customer_id,
        channel_id=identity.channel_id,
        channel_type=identity.channel_type,
        external_id=identity.external_id,
        platform_conversation_id=window.platform_id or None,
        opened_by=window.opened_by,
        started_at=to_datetime(window.started_at_ms),
        last_message_at=to_datetime(window.last_at_ms),
        merged_into=merged_into,
        version=root.version,
    )


def message_fact(observe: Observe, root: Root | None) -> MessageFact:
    """Return the message with whom it belongs to: nobody where no customer was made of it."""
    window: Window | None = None
    if root is not None and (identity := root.identities.get(identity_name(observe))):
        window = window_at(identity.windows, observe.at_ms, observe.platform_conversation_id)
    return MessageFact(
        tenant_id=observe.tenant_id,
        channel_id=observe.channel_id,
        channel_type=observe.channel_type,
        message_id=observe.message_id,
        direction=observe.direction,
        external_id=observe.external_id,
        identity_key=observe.identity_key,
        customer_id=root.customer_id if root else None,
        conversation_id=window.id if window else None,
        sent_at=to_datetime(observe.at_ms),
        received_at=to_datetime(observe.received_at_ms),
        content_type=observe.content_type,
        text=observe.text,
        agent_id=observe.agent_id,
    )
