"""The customer and conversation records that a root's state amounts to.

What of them is news, and when it is told, is `telling`'s business.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import UNSET

from streams.contracts.conversations import Conversation
from streams.contracts.customers import (
    Customer,
    CustomerIdentity,
    CustomerLink,
    CustomerMetadata,
    Status,
)
from streams.identity.evidence import Link
from streams.identity.evidence_records import evidence_record
from streams.identity.instants import to_datetime
from streams.identity.owners import bare_key, settled
from streams.identity.partition import Component, Identities
from streams.identity.registers import RANK_PROFILE, Register, earliest, newest
from streams.identity.state import Edits, IdentityState, Root, Seed, first_seen
from streams.identity.windows import Window, window_at

SOURCE: Final = "auto_created"
IMPORTED: Final = "import"
IMPORT_CHANNEL: Final = "import"  # of the identity that stands for an import; nobody writes there


class Known(msgspec.Struct, frozen=True, gc=False):
    """What a customer's identities, and what was said by hand, amount to. `new_owner_at_ms`: since
    when somebody else may have the number.
    """

    last_seen_at_ms: int
    has_written: bool
    name: Register | None = None
    picture_url: Register | None = None
    new_owner_at_ms: int | None = None
    blocked: bool = False
    tags: tuple[str, ...] = ()
    attributes: dict[str, str] = msgspec.field(default_factory=dict)


def known_of(component: Component) -> Known:
    """Return what is known of the customer."""
    identities = component.identities
    if len(identities) == 1 and not component.edits and not identities[0][1].spans:
        return _known_of_one(identities[0][1])
    return known_of_all([identity for _, identity in identities], component.edits)


def _known_of_one(identity: IdentityState) -> Known:
    """Return what `known_of_all` returns of one identity of one owner: the usual customer."""
    has_written = identity.first_inbound_at_ms is not None
    return Known(identity.last_seen_at_ms, has_written, identity.name, identity.picture_url)


def known_of_all(identities: Iterable[IdentityState], edits: Iterable[Edits]) -> Known:
    """Return what the identities and the edits say together."""
    name: Register | None = None
    picture_url: Register | None = None
    last_seen_at_ms = 0
    has_written = False
    new_owner_at_ms: int | None = None
    for identity in identities:
        if identity.spans:  # what a possible new owner calls themselves overwrites nothing
            owner, since_ms = settled(identity.spans)
            new_owner_at_ms = earliest(new_owner_at_ms, since_ms)
            name = newest(name, owner.name)
            picture_url = newest(picture_url, owner.picture_url)
        else:
            name = newest(name, identity.name)
            picture_url = newest(picture_url, identity.picture_url)
        last_seen_at_ms = max(last_seen_at_ms, identity.last_seen_at_ms)
        has_written = has_written or identity.first_inbound_at_ms is not None
    blocked: Register | None = None
    tags: dict[str, Register | None] = {}
    attributes: dict[str, Register | None] = {}
    for said in edits:
        name = newest(name, said.name)
        picture_url = newest(picture_url, said.picture_url)
        blocked = newest(blocked, said.blocked)
        for tag, register in said.tags.items():
            tags[tag] = newest(tags.get(tag), register)
        for attribute, register in said.attributes.items():
            attributes[attribute] = newest(attributes.get(attribute), register)
    if new_owner_at_ms is not None and name and name.rank > RANK_PROFILE:
        # Somebody said who it is, after they had written: that settles it.
        new_owner_at_ms = None if name.at_ms >= new_owner_at_ms else new_owner_at_ms
    return Known(
        last_seen_at_ms,
        has_written,
        name,
        picture_url,
        new_owner_at_ms,
        bool(blocked and blocked.value),
        tuple(sorted(tag for tag, at in tags.items() if at and at.value)),
        {name: at.value[1:] for name, at in sorted(attributes.items()) if at and at.value},
    )


def customer_record(
    root: Root, component: Component, *, merged_into: str | None = None
) -> Customer:
    """Return the customer as known now; as merged where another customer took it over."""
    known = known_of(component)
    identities = component.identities
    if len(identities) > 1:
        identities = tuple(sorted(identities, key=lambda named: first_seen(named[1])))
    first = identities[0][1]
    created_at = to_datetime(first.first_seen_at_ms)
    last_seen_at = to_datetime(known.last_seen_at_ms)
    instants = {first.first_seen_at_ms: created_at, known.last_seen_at_ms: last_seen_at}
    phones, emails = _values(component)
    status: Status = "merged" if merged_into else "active" if known.has_written else "contacted"
    new_owner_at_ms = known.new_owner_at_ms
    return Customer(
        id=component.seed.id,
        tenant_id=root.tenant_id,
        display_name=known.name.value if known.name else fallback_name(first),
        identities=_identity_records(component, identities, instants),
        metadata=CustomerMetadata(
            source=IMPORTED if first.channel_type == IMPORT_CHANNEL else SOURCE,
            channel=first.channel_id,
            first_contact_at=created_at,
            original_external_id=first.external_id,
            last_seen_at=last_seen_at,
            profile_picture_url=known.picture_url.value if known.picture_url else None,
        ),
        phones=phones,
        emails=emails,
        tags=known.tags,
        custom_attributes=known.attributes,
        status=status,
        merged_ids=_merged_ids(component),
        merged_into=merged_into,
        created_at=created_at,
        updated_at=last_seen_at,
        version=root.version,
        links=tuple(map(_link_record, component.links)) if component.links else (),
        blocked=known.blocked,
        possible_new_owner_since=(
            None if new_owner_at_ms is None else to_datetime(new_owner_at_ms)
        ),
        evidence=UNSET if merged_into else evidence_record(root, component),
    )


def _merged_ids(component: Component) -> tuple[str, ...]:
    """Return the ids that went into the customer's: the usual one has but its own."""
    if len(component.seeds) == 1:
        return ()
    own_id = component.seed.id
    return tuple(sorted(s.id for _, s in component.seeds if s.is_published and s.id != own_id))


def fallback_name(first: IdentityState) -> str:
    """Return what to call somebody who gave no name: @username, else the raw id."""
    return f"@{first.username.value.lstrip('@')}" if first.username else first.external_id


def _values(component: Component) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the customer's phones and e-mails: proven ones, and what was only said of them."""
    phones: list[str] = []
    emails: list[str] = []
    keys = component.keys
    if component.claims:
        claimed = (link for link in component.claims if link.rule == "self_declared")
        keys = keys.union(link.other(link.claimant) for link in claimed)
    for key in keys:
        if key.startswith("phone:"):
            phones.append(bare_key(key)[6:])
        elif key.startswith("email:"):
            emails.append(key[6:])
    return _in_order(phones), _in_order(emails)


def _in_order(values: list[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)) if len(values) > 1 else values)


def _identity_records(
    component: Component, identities: Identities, instants: dict[int, datetime]
) -> tuple[CustomerIdentity, ...]:
    if len(component.seeds) == 1:  # the usual: all of them are the one key's
        own_id = component.seed.id
        return tuple([_identity_record(one, own_id, instants) for _, one in identities])
    seeds = dict(component.seeds)
    return tuple(
        [_identity_record(one, seeds[one.identity_key].id, instants) for _, one in identities]
    )


def _identity_record(
    identity: IdentityState, own_id: str, instants: dict[int, datetime]
) -> CustomerIdentity:
    inbound_at_ms = identity.last_inbound_at_ms
    return CustomerIdentity(
        channel_id=identity.channel_id,
        channel_type=identity.channel_type,
        external_id=identity.external_id,
        identity_key=bare_key(identity.identity_key),
        identity_id=own_id,
        first_seen_at=_instant(identity.first_seen_at_ms, instants),
        last_seen_at=_instant(identity.last_seen_at_ms, instants),
        last_inbound_at=None if inbound_at_ms is None else _instant(inbound_at_ms, instants),
        username=identity.username.value if identity.username else None,
    )


def _instant(at_ms: int, instants: dict[int, datetime]) -> datetime:
    """Return the instant: a record says the same few of them several times."""
    instant = instants.get(at_ms)
    if instant is None:
        instant = instants[at_ms] = to_datetime(at_ms)
    return instant


def _link_record(link: Link) -> CustomerLink:
    return CustomerLink(
        identity_key=bare_key(link.left),
        other_identity_key=bare_key(link.right),
        rule=link.rule,
        level=link.level,
        said_at=to_datetime(link.at_ms),
        message_id=link.message_id,
        channel_id=link.channel_id or None,
        said_by=link.said_by or None,
    )


def conversation_changes(
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
        told = known.windows if known else ()
        own_id = seeds[identity.identity_key].id
        yield from _window_changes(root, after, identity, own_id, told, same_owner=same_owner)


def conversation_movements(
    root: Root, known: Identities, after: Component
) -> Iterator[Conversation]:
    """Yield the same where the customer has the same identities, which only moved on."""
    seeds: dict[str, Seed] = {}
    for (_, before), (_, identity) in zip(known, after.identities, strict=True):
        if before.windows is identity.windows:
            continue
        seeds = seeds or dict(after.seeds)
        own_id = seeds[identity.identity_key].id
        told, windows = _differing(before.windows, identity.windows)
        if told and not (len(told) == 1 and windows and told[0].id == windows[0].id):
            told = before.windows
            yield from _window_changes(root, after, identity, own_id, told, same_owner=True)
            continue
        for window in windows:  # the usual: the newest went on, or others came after it
            if window not in told:
                yield _conversation(root, after, identity, own_id, window)


def _window_changes(
    root: Root,
    after: Component,
    identity: IdentityState,
    own_id: str,
    told: tuple[Window, ...],
    *,
    same_owner: bool,
) -> Iterator[Conversation]:
    windows = identity.windows
    if same_owner:
        told, windows = _differing(told, windows)
    current = set()
    old = {window.id: window for window in told}
    for window in windows:
        current.add(window.id)
        if not same_owner or old.get(window.id) != window:
            yield _conversation(root, after, identity, own_id, window)
    for window in told:
        if window.id not in current:
            survivor = window_at(identity.windows, window.started_at_ms, window.platform_id)
            if survivor is not None:
                yield _conversation(root, after, identity, own_id, window, survivor.id)


def _differing(
    told: tuple[Window, ...], windows: tuple[Window, ...]
) -> tuple[tuple[Window, ...], tuple[Window, ...]]:
    """Return both without what they begin with alike: usually only the newest moves."""
    same = len(told)
    while windows[:same] != told[:same]:
        same -= 1
    return told[same:], windows[same:]


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
