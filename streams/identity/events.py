"""What happened to customers, told by what was known before and what is known now.

Ids come from what happened, so a replay says the same again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from streams.contracts.customers import CustomerEvent, ErasedIdentity
from streams.identity.evidence import Link
from streams.identity.ids import Namespace
from streams.identity.instants import to_datetime
from streams.identity.owners import bare_key, since_of
from streams.identity.partition import Component, Identities, Partition, kind_of
from streams.identity.state import IdentityState, Root, first_seen

_EVENTS: Final = Namespace("customer-event")


def customer_events(
    root: Root, owners: Mapping[str, Component], known: Component | None, after: Component
) -> Iterator[CustomerEvent]:
    """Yield what happened to a customer: `known` is as told before, `owners` had its keys then."""
    identities = sorted(after.identities, key=lambda item: first_seen(item[1]))
    seeds = dict(after.seeds)
    came_from = owners.get(after.key) or owners.get(bare_key(after.key))
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
        if not _was_there(owners, name, identity):
            own_id = seeds[identity.identity_key].id
            yield _identity_event(root, "customer.identity_added", after, identity, name, own_id)
    told = known.links if known else ()
    for link in after.links:
        if link not in told:
            yield _link_event(root, after, link)
    if known is not None:
        yield from activation(root, known.identities, after)
    elif came_from is None and (wrote := _first_inbound(after.identities)) is not None:
        first = min((state for _, state in after.identities), key=first_seen)
        if first.first_inbound_at_ms != first.first_seen_at_ms:
            yield _activated(root, after, wrote)


def _was_there(owners: Mapping[str, Component], name: str, identity: IdentityState) -> bool:
    """Say whether the identity was told of already, be it as somebody else's."""
    key = identity.identity_key
    if since_of(key) and key not in owners:
        return bare_key(key) in owners
    owner = owners.get(key)
    return owner is not None and name in dict(owner.identities)


def activation(root: Root, known: Identities, after: Component) -> Iterator[CustomerEvent]:
    """Yield the event that somebody who was only contacted has written, when they have."""
    if known[0][1].first_inbound_at_ms is not None:
        return  # the usual customer, without a look at the rest
    if _first_inbound(known) is None and (wrote := _first_inbound(after.identities)) is not None:
        yield _activated(root, after, wrote)


def _first_inbound(identities: Identities) -> IdentityState | None:
    written = [s for _, s in identities if s.first_inbound_at_ms is not None]
    if len(written) == 1:
        return written[0]
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


def merged_event(root: Root, component: Component, survivor: Component) -> CustomerEvent:
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


def guard_events(
    root: Root, told_guards: frozenset[str], after: Partition
) -> Iterator[CustomerEvent]:
    """Yield the guards that have tripped and were not told of."""
    for key in sorted(after.shared):
        if f"shared {key}" not in told_guards:
            detail = f"too many people claim the same {kind_of(key)}: it links nobody any more"
            at_ms = max((link.at_ms for link in root.links.values()), default=root.rank_at_ms)
            yield _guard_event(root, after.of_key(key), "shared", key, at_ms, detail)
    for link, reason in after.questions:
        if reason != "claimed" and f"{reason} {link.name}" not in told_guards:
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
    "different_accounts": "a number or id is seen with two accounts of the platform",
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
    event_type: Literal["command.applied", "policy.changed"] = "command.applied",
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


def erased_event(
    tenant_id: str,
    command_id: str,
    customer_id: str,
    *,
    at_ms: int,
    erased: tuple[ErasedIdentity, ...],
) -> CustomerEvent:
    """Return the event that a customer was forgotten: what is about `erased` is to go."""
    return CustomerEvent(
        id=_EVENTS.id_of(f"{tenant_id} {command_id} {customer_id} customer.erased"),
        type="customer.erased",
        tenant_id=tenant_id,
        customer_id=customer_id,
        occurred_at=to_datetime(at_ms),
        command_id=command_id,
        erased=erased,
    )
