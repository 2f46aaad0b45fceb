"""What is news to the world: what a root amounts to now, against what was told before.

Derived once a batch and not once a message; a replay tells the same again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from streams.contracts.conversations import Conversation
from streams.contracts.customers import Customer, CustomerEvent
from streams.contracts.suggestions import LinkSuggestion
from streams.identity.events import activation, customer_events, guard_events, merged_event
from streams.identity.partition import Component, Identities, Partition
from streams.identity.records import (
    conversation_changes,
    conversation_movements,
    customer_record,
)
from streams.identity.state import Root
from streams.identity.suggestions import open_suggestions, suggestion_changes


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A record of this id is to be deleted from this compacted output, for ever."""

    output: Literal["customers", "conversations", "suggestions"]
    id: str


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A customer was seen again, on one of so many channels."""

    tenant_id: str
    customer_id: str
    channels: int

    @classmethod
    def of(cls, customer: Customer) -> "Seen":
        """Return the same, of a customer's record."""
        channels = {identity.channel_id for identity in customer.identities}
        return cls(customer.tenant_id, customer.id, len(channels))


Record = Customer | CustomerEvent | Conversation | LinkSuggestion | Forgotten


class Told(msgspec.Struct, frozen=True, gc=False):
    """What the world knows already: customers by id, open suggestions by id, tripped guards."""

    components: Mapping[str, Component]
    suggestions: Mapping[str, LinkSuggestion]
    guards: frozenset[str]

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
        {s.id: s for s in open_suggestions(root, parts)},
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


def changes(root: Root, before: Told, after: Partition, told: Told) -> Iterator[Record]:
    """Yield what is new to the world: customers, events, conversations and suggestions.

    `told` is what `told_of` says of the root after.
    """
    owners = {
        key: component for component in before.components.values() for key, _ in component.seeds
    }
    for component in after.components.values():
        known = before.components.get(component.seed.id)
        if known != component:
            yield customer_record(root, component)
            yield from customer_events(root, owners, known, component)
            yield from conversation_changes(root, owners, component)
    for own_id, component in before.components.items():
        if own_id in after.components:
            continue
        survivor = after.of_key(component.key)
        if survivor is not None:
            yield customer_record(root, component, merged_into=survivor.seed.id)
            yield merged_event(root, component, survivor)
    if told.guards != before.guards:
        yield from guard_events(root, before.guards, after)
    if told.suggestions or before.suggestions:
        yield from suggestion_changes(root, after, before.suggestions, told.suggestions)


def movements(root: Root, before: Partition, after: Partition) -> Iterator[Record]:
    """Yield what is new where only identities have moved on (`moved_on`): what `changes` would
    yield, without looking for what cannot be there.
    """
    for own_id, component in after.components.items():
        known = before.components[own_id]
        if known is not component:
            yield from movement(root, known.identities, component)


def movement(root: Root, known: Identities, after: Component) -> list[Record]:
    """Return what is new of one customer of the same identities, which moved on from `known`."""
    return [
        customer_record(root, after),
        *activation(root, known, after),
        *conversation_movements(root, known, after),
    ]
