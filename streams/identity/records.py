"""What the world is told of a root: its customers, their conversations, events, suggestions and
message facts.

All are derived from what was told before and what is known after a batch of operations, once a
batch and not once a message. Ids come from what happened, so a replay says the same again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import msgspec

from streams.contracts.conversations import Conversation
from streams.contracts.customers import (
    Customer,
    CustomerEvent,
    CustomerIdentity,
    CustomerLink,
    CustomerMetadata,
    Status,
)
from streams.contracts.messages import MessageFact
from streams.contracts.suggestions import LinkSuggestion, SuggestionStatus
from streams.identity.evidence import FORCED_RULES, Link, suggestion_id
from streams.identity.ids import Namespace
from streams.identity.instants import to_datetime
from streams.identity.observations import identity_name
from streams.identity.operations import Observe
from streams.identity.partition import Component, Partition, Question, kind_of
from streams.identity.registers import Register, newest
from streams.identity.state import IdentityState, Root
from streams.identity.windows import Window, window_at

SOURCE: Final = "auto_created"
_EVENTS: Final = Namespace("customer-event")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A record of this id is to be deleted from this compacted output, for ever."""

    output: Literal["customers", "conversations", "suggestions"]
    id: str


Record = Customer | CustomerEvent | Conversation | MessageFact | LinkSuggestion | Forgotten


def customer_record(
    root: Root, component: Component, *, merged_into: str | None = None
) -> Customer:
    """Return the customer as known now; as merged where another customer took it over."""
    identities = sorted((state for _, state in component.identities), key=_first_seen)
    first = identities[0]
    name: Register | None = None
    picture_url: Register | None = None
    last_seen_at_ms = 0
    has_written = False
    for identity in identities:
        name = newest(name, identity.name)
        picture_url = newest(picture_url, identity.picture_url)
        last_seen_at_ms = max(last_seen_at_ms, identity.last_seen_at_ms)
        has_written = has_written or identity.first_inbound_at_ms is not None
    blocked: Register | None = None
    tags: dict[str, Register | None] = {}
    attributes: dict[str, Register | None] = {}
    for edits in component.edits:
        name = newest(name, edits.name)
        picture_url = newest(picture_url, edits.picture_url)
        blocked = newest(blocked, edits.blocked)
        for tag, register in edits.tags.items():
            tags[tag] = newest(tags.get(tag), register)
        for attribute, register in edits.attributes.items():
            attributes[attribute] = newest(attributes.get(attribute), register)
    created_at = to_datetime(first.first_seen_at_ms)
    last_seen_at = to_datetime(last_seen_at_ms)
    phones, emails = _values(component)
    own_id = component.seed.id
    seed_ids = {key: seed.id for key, seed in component.seeds}
    status: Status = "merged" if merged_into else "active" if has_written else "contacted"
    return Customer(
        id=own_id,
        tenant_id=root.tenant_id,
        display_name=name.value if name else _fallback_name(first),
        identities=tuple(
            _identity_record(identity, seed_ids[identity.identity_key]) for identity in identities
        ),
        metadata=CustomerMetadata(
            source=SOURCE,
            channel=first.channel_id,
            first_contact_at=created_at,
            original_external_id=first.external_id,
            last_seen_at=last_seen_at,
            profile_picture_url=picture_url.value if picture_url else None,
        ),
        phones=phones,
        emails=emails,
        tags=tuple(sorted(tag for tag, at in tags.items() if at and at.value)),
        custom_attributes={
            name: at.value[1:] for name, at in sorted(attributes.items()) if at and at.value
        },
        status=status,
        merged_ids=tuple(
            sorted(s.id for _, s in component.seeds if s.is_published and s.id != own_id)
        ),
        merged_into=merged_into,
        created_at=created_at,
        updated_at=last_seen_at,
        version=root.version,
        links=tuple(map(_link_record, component.links)),
        blocked=bool(blocked and blocked.value),
    )


def _first_seen(identity: IdentityState) -> tuple[int, str, str]:
    return (identity.first_seen_at_ms, identity.channel_id, identity.external_id)


def _fallback_name(first: IdentityState) -> str:
    """Return what to call somebody who gave no name: @username, else the raw id."""
    return f"@{first.username.value.lstrip('@')}" if first.username else first.external_id


def _values(component: Component) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the customer's phones and e-mails: proven ones, and what was only said of them."""
    phones: set[str] = set()
    emails: set[str] = set()
    keys = component.keys
    if component.claims:
        claimed = (link for link in component.claims if link.rule == "self_declared")
        keys = keys.union(link.other(link.claimant) for link in claimed)
    for key in keys:
        if key.startswith("phone:"):
            phones.add(key[6:])
        elif key.startswith("email:"):
            emails.add(key[6:])
    return tuple(sorted(phones)), tuple(sorted(emails))


def _identity_record(identity: IdentityState, own_id: str) -> CustomerIdentity:
    last_inbound_at_ms = identity.last_inbound_at_ms
    return CustomerIdentity(
        channel_id=identity.channel_id,
        channel_type=identity.channel_type,
        external_id=identity.external_id,
        identity_key=identity.identity_key,
        identity_id=own_id,
        first_seen_at=to_datetime(identity.first_seen_at_ms),
        last_seen_at=to_datetime(identity.last_seen_at_ms),
        last_inbound_at=None if last_inbound_at_ms is None else to_datetime(last_inbound_at_ms),
        username=identity.username.value if identity.username else None,
    )


def _link_record(link: Link) -> CustomerLink:
    return CustomerLink(
        identity_key=link.left,
        other_identity_key=link.right,
        rule=link.rule,
        level=link.level,
        said_at=to_datetime(link.at_ms),
        message_id=link.message_id,
        channel_id=link.channel_id or None,
        said_by=link.said_by or None,
    )


class Told(NamedTuple):
    """What the world knows already: customers by id, open suggestions by id, tripped guards."""

    components: Mapping[str, Component]
    suggestions: Mapping[str, LinkSuggestion]
    guards: frozenset[str]

    def of_key(self, key: str) -> Component | None:
        """Return the customer that the key belongs to."""
        return next((c for c in self.components.values() if key in c.keys), None)

    def joined(self, other: "Told") -> "Told":
        """Return what the world knows of both; of a key that both speak of, what we said."""
        known = {key for c in self.components.values() for key, _ in c.seeds}
        theirs = {i: c for i, c in other.components.items() if c.key not in known}
        return Told(
            {**theirs, **self.components},
            {**other.suggestions, **self.suggestions},
            self.guards | other.guards,
        )


NOTHING_TOLD: Final = Told({}, {}, frozenset())


def told_of(root: Root, parts: Partition) -> Told:
    """Return what the world knows once it was told of this root."""
    if not parts.questions and not parts.shared:
        return Told(parts.components, {}, frozenset())
    return Told(
        parts.components,
        {s.id: s for s in _open_suggestions(root, parts)},
        frozenset(
            (
                *(f"shared {key}" for key in parts.shared),
                *(
                    f"{question.reason} {question.link.name}"
                    for question in parts.questions
                    if question.reason != "claimed"
                ),
            )
        ),
    )


def changes(root: Root, before: Told, after: Partition) -> Iterator[Record]:
    """Yield what is new to the world: customers, events, conversations and suggestions."""
    owners = {
        key: component for component in before.components.values() for key, _ in component.seeds
    }
    for component in after.components.values():
        known = before.components.get(component.seed.id)
        if known != component:
            yield customer_record(root, component)
            yield from _events(root, owners, known, component)
            yield from _conversations(root, owners, component)
    for own_id, component in before.components.items():
        if own_id in after.components:
            continue
        survivor = after.of_key(component.key)
        if survivor is not None:
            yield customer_record(root, component, merged_into=survivor.seed.id)
            yield _merged_event(root, component, survivor)
    told = told_of(root, after)
    if told.guards != before.guards:
        yield from _guard_events(root, before, after)
    if told.suggestions or before.suggestions:
        yield from _suggestions(root, before, after, told)


def _events(
    root: Root, owners: Mapping[str, Component], known: Component | None, after: Component
) -> Iterator[CustomerEvent]:
    identities = sorted(after.identities, key=lambda item: _first_seen(item[1]))
    seeds = dict(after.seeds)
    came_from = owners.get(after.key)
    if known is None and came_from is not None:
        yield _event(
            root,
            "customer.split",
            after.seed.id,
            f"{came_from.seed.id} {root.version}",
            at_ms=max((decision.at_ms for decision in root.decisions.values()), default=0)
            or after.seed.rank_at_ms,
            identity_id=after.seed.id,
            split_from=came_from.seed.id,
        )
    elif known is None:
        yield _identity_event(root, "customer.created", after, identities[0][1], "")
        identities = identities[1:]
    for name, identity in identities:
        owner = owners.get(identity.identity_key)
        if owner is None or name not in dict(owner.identities):
            own_id = seeds[identity.identity_key].id
            yield _identity_event(root, "customer.identity_added", after, identity, name, own_id)
    told = known.links if known else ()
    for link in after.links:
        if link not in told:
            yield _link_event(root, after, link)
    wrote = _first_inbound(after)
    if wrote and known is not None and _first_inbound(known) is None:
        yield _activated(root, after, wrote)
    elif wrote and known is None and came_from is None:
        first = min((state for _, state in after.identities), key=_first_seen)
        if first.first_inbound_at_ms != first.first_seen_at_ms:
            yield _activated(root, after, wrote)


def _first_inbound(component: Component) -> IdentityState | None:
    written = [s for _, s in component.identities if s.first_inbound_at_ms is not None]
    return min(written, key=lambda s: (s.first_inbound_at_ms or 0, s.channel_id), default=None)


def _activated(root: Root, component: Component, wrote: IdentityState) -> CustomerEvent:
    return _event(
        root,
        "customer.activated",
        component.seed.id,
        "",
        at_ms=wrote.first_inbound_at_ms or wrote.first_seen_at_ms,
        identity_id=dict(component.seeds)[wrote.identity_key].id,
        channel_id=wrote.channel_id,
        channel_type=wrote.channel_type,
        external_id=wrote.external_id,
    )


def _identity_event(  # noqa: PLR0917 - a record's parts
    root: Root,
    event_type: Literal["customer.created", "customer.identity_added"],
    component: Component,
    identity: IdentityState,
    about: str,
    own_id: str | None = None,
) -> CustomerEvent:
    return _event(
        root,
        event_type,
        component.seed.id,
        about,
        at_ms=identity.first_seen_at_ms,
        identity_id=own_id or dict(component.seeds)[identity.identity_key].id,
        channel_id=identity.channel_id,
        channel_type=identity.channel_type,
        external_id=identity.external_id,
    )


def _link_event(root: Root, component: Component, link: Link) -> CustomerEvent:
    return _event(
        root,
        "customer.linked",
        component.seed.id,
        link.name,
        at_ms=link.at_ms,
        identity_id=component.seed.id,
        channel_id=link.channel_id or None,
        rule=link.rule,
        command_id=link.message_id if link.said_by else None,
        detail=f"{kind_of(link.left)} and {kind_of(link.right)} are one person",
    )


def _merged_event(root: Root, component: Component, survivor: Component) -> CustomerEvent:
    """Return the event that this customer went into another one, when the evidence said so."""
    at_ms = max((link.at_ms for link in survivor.links), default=component.seed.rank_at_ms)
    return _event(
        root,
        "customer.merged",
        component.seed.id,
        f"{survivor.seed.id} {at_ms}",
        at_ms=at_ms,
        identity_id=component.seed.id,
        merged_into=survivor.seed.id,
    )


def _guard_events(root: Root, before: Told, after: Partition) -> Iterator[CustomerEvent]:
    for key in sorted(after.shared):
        if f"shared {key}" not in before.guards:
            detail = f"too many people claim the same {kind_of(key)}: it links nobody any more"
            at_ms = max((link.at_ms for link in root.links.values()), default=root.rank_at_ms)
            yield _guard_event(root, after.of_key(key), "shared", key, at_ms, detail)
    for link, reason in after.questions:
        if reason != "claimed" and f"{reason} {link.name}" not in before.guards:
            ends = (link.claimant, link.left, link.right)
            owner = next((c for end in ends if (c := after.of_key(end))), None)
            yield _guard_event(root, owner, reason, link.name, link.at_ms, _GUARDS[reason])


def _guard_event(  # noqa: PLR0917 - a record's parts
    root: Root, owner: Component | None, guard: str, about: str, at_ms: int, detail: str
) -> CustomerEvent:
    own_id = owner.seed.id if owner else None
    return _event(
        root,
        "guard.tripped",
        own_id,
        f"{guard} {about}",
        at_ms=at_ms,
        rule=guard,
        identity_id=own_id,
        detail=detail,
    )


_GUARDS: Final[Mapping[str, str]] = {
    "different_references": "evidence ties together two people whom the business knows apart",
    "identity_cap": "evidence ties together more identities than the policy's cap allows",
}


def _event(
    root: Root,
    event_type: str,
    customer_id: str | None,
    about: str,
    *,
    at_ms: int,
    **fields: Any,
) -> CustomerEvent:
    return CustomerEvent(
        id=_EVENTS.id_of(f"{customer_id or root.tenant_id} {event_type} {about}"),
        type=event_type,  # type: ignore[arg-type]
        tenant_id=root.tenant_id,
        customer_id=customer_id,
        occurred_at=to_datetime(at_ms),
        **fields,
    )


def answer_event(
    tenant_id: str,
    command_id: str,
    customer_id: str | None,
    *,
    at_ms: int,
    refused: str | None = None,
    event_type: Literal["command.applied", "customer.erased", "policy.changed"] = "command.applied",
) -> CustomerEvent:
    """Return the answer to a command: applied, or why it was refused."""
    kind = "command.refused" if refused is not None else event_type
    return CustomerEvent(
        id=_EVENTS.id_of(f"{tenant_id} {command_id} {customer_id} {kind}"),
        type=kind,
        tenant_id=tenant_id,
        customer_id=customer_id,
        occurred_at=to_datetime(at_ms),
        command_id=command_id,
        detail=refused,
    )


def _conversations(
    root: Root, owners: Mapping[str, Component], after: Component
) -> Iterator[Conversation]:
    """Yield the conversations that are new, changed or changed hands, and those that went into
    another.
    """
    seeds = dict(after.seeds)
    for name, identity in after.identities:
        owner = owners.get(identity.identity_key)
        known = dict(owner.identities).get(name) if owner else None
        same_owner = owner is not None and owner.seed.id == after.seed.id
        if same_owner and known is not None and known.windows == identity.windows:
            continue
        old = {window.id: window for window in known.windows} if known else {}
        own_id = seeds[identity.identity_key].id
        current = set()
        for window in identity.windows:
            current.add(window.id)
            if not same_owner or old.get(window.id) != window:
                yield _conversation(root, after, identity, own_id, window)
        for window in old.values():
            if window.id not in current:
                survivor = window_at(identity.windows, window.started_at_ms, window.platform_id)
                if survivor is not None:
                    yield _conversation(root, after, identity, own_id, window, survivor.id)


def _conversation(  # noqa: PLR0917 - a record's parts
    root: Root,
    component: Component,
    identity: IdentityState,
    own_id: str,
    window: Window,
    merged_into: str | None = None,
) -> Conversation:
    return Conversation(
        id=window.id,
        tenant_id=root.tenant_id,
        customer_id=component.seed.id,
        identity_id=own_id,
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


def _suggestions(
    root: Root, before: Told, after: Partition, told: Told
) -> Iterator[LinkSuggestion]:
    for own_id, suggestion in told.suggestions.items():
        known = before.suggestions.get(own_id)
        if known is None or msgspec.structs.replace(known, version=root.version) != suggestion:
            yield suggestion
    for own_id, suggestion in before.suggestions.items():
        if own_id not in told.suggestions:
            ending = _ending(root, after, suggestion)
            yield msgspec.structs.replace(suggestion, status=ending, version=root.version)


def _open_suggestions(root: Root, parts: Partition) -> Iterator[LinkSuggestion]:
    for question in parts.questions:
        suggestion = _suggestion(root, parts, question)
        if suggestion is not None:
            yield suggestion


def _suggestion(root: Root, parts: Partition, question: Question) -> LinkSuggestion | None:
    """Return the question with both customers; None where one end is nobody, or tells of it."""
    link, reason = question
    left, right = parts.of_key(link.left), parts.of_key(link.right)
    ours, our_key = (left, link.left) if left else (right, link.right)
    if ours is None:
        return None
    other = right if ours is left else None
    other_key = link.other(our_key)
    other_id = other.seed.id if other else None
    if other_id is None:
        # Another root holds the other end: it is a person if it was the one to speak.
        if link.claimant != other_key or not link.claimant_id:
            return None
        other_id = link.claimant_id
    return LinkSuggestion(
        id=suggestion_id(root.tenant_id, link),
        tenant_id=root.tenant_id,
        status="open",
        reason=reason,
        rule=link.rule,
        level=link.level,
        customer_id=ours.seed.id,
        identity_key=our_key,
        other_customer_id=other_id,
        other_identity_key=other_key,
        message_id=link.message_id,
        said_at=to_datetime(link.at_ms),
        version=root.version,
    )


def _ending(root: Root, after: Partition, suggestion: LinkSuggestion) -> SuggestionStatus:
    ours, theirs = suggestion.identity_key, suggestion.other_identity_key
    owner = after.of_key(ours)
    if owner is not None and theirs in owner.keys:
        pair = {ours, theirs}
        forced = any(
            link.rule in FORCED_RULES and {link.left, link.right} == pair for link in owner.links
        )
        return "confirmed" if forced else "settled"
    for decision in root.decisions.values():
        sides = (decision.left, decision.right)
        if any(ours in one and theirs in other for one, other in (sides, sides[::-1])):
            return "refused"
    return "withdrawn"


def message_fact(observe: Observe, root: Root | None, parts: Partition, own_id: str) -> MessageFact:
    """Return the message with whom it belongs to: nobody where no customer was made of it."""
    window: Window | None = None
    owner: Component | None = None
    if root is not None and (identity := root.identities.get(identity_name(observe))):
        window = window_at(identity.windows, observe.at_ms, observe.platform_conversation_id)
        components = parts.components
        if len(components) == 1:
            (owner,) = components.values()
        else:
            owner = parts.of_key(observe.identity_key)
    return MessageFact(
        tenant_id=observe.tenant_id,
        channel_id=observe.channel_id,
        channel_type=observe.channel_type,
        message_id=observe.message_id,
        direction=observe.direction,
        external_id=observe.external_id,
        identity_key=observe.identity_key,
        identity_id=own_id,
        customer_id=owner.seed.id if owner else None,
        conversation_id=window.id if window else None,
        sent_at=to_datetime(observe.at_ms),
        received_at=to_datetime(observe.received_at_ms),
        content_type=observe.content_type,
        text=observe.text,
        agent_id=observe.agent_id,
        is_clock_wrong=observe.is_clock_wrong,
    )
