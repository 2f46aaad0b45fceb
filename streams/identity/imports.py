"""A person whom an import brings: somebody the business knows, and who may never have written.

What an import says weighs less than an agent's word and more than a profile's. Of a phone and an
e-mail that stand in one row the first names the person; the other is only said of them, for rows
share addresses of families and firms: it suggests, and ties nobody by itself.
"""

import msgspec

from streams.contracts.commands import ImportContact, UpdateCustomer
from streams.contracts.customers import CustomerEvent
from streams.identity.addresses import Addresses
from streams.identity.boundaries import key_at
from streams.identity.commands import WORDS_KEPT, Outcome
from streams.identity.events import answer_event
from streams.identity.evidence import joined_links, link_between
from streams.identity.joins import join_edits
from streams.identity.operations import Introduce
from streams.identity.partition import Partition, partition
from streams.identity.policy import Policy
from streams.identity.records import IMPORT_CHANNEL
from streams.identity.refusals import Refusal, RefusedError, joined_refusals
from streams.identity.state import Edits, IdentityState, Root, seed_of
from streams.identity.updates import added_keys, edits_of


def contact_keys(command: ImportContact, policy: Policy) -> tuple[str, ...]:
    """Return the identity keys of the contact, the one that names the person first.

    Raises RefusedError: also for what no state of any person could take.
    """
    update = _as_update(command)
    keys = tuple(added_keys(update, policy))
    if not keys:
        raise RefusedError("phone or email: give at least one")
    if policy.nobody.intersection(keys):
        raise RefusedError("the number or address is the business's own, or blocked by its policy")
    _require_room(edits_of(update, keys[0], 0, 0))
    return keys


def introduce(
    root: Root | None,
    parts: Partition,
    operation: Introduce,
    policy: Policy,
    addresses: Addresses,
) -> Outcome:
    """Return the root knowing the contact, and the answer: who is a customer is kept up, who is
    none becomes one. The command's answer names the customer.
    """
    command = operation.command
    known = root or Root(tenant_id=command.tenant_id, rank_at_ms=operation.at_ms, version=0)
    if (refusal := known.refusals.get(command.id)) is not None:
        return Outcome(known, records=[_answer(operation, None, refused=refusal.why)])
    try:
        now, key = _introduced(known, parts, operation, policy, addresses)
    except RefusedError as error:
        said = {command.id: Refusal(operation.at_ms, str(error))}
        refusals = joined_refusals(known.refusals, said)
        now = msgspec.structs.replace(known, refusals=refusals)
        answer = _answer(operation, None, refused=str(error))
        return Outcome(_a_version_on(known, now), records=[answer])
    owner = partition(now, policy).of_key(key)
    answer = _answer(operation, owner.seed.id if owner else None)
    return Outcome(_a_version_on(known, now), records=[answer])


def _introduced(
    root: Root, parts: Partition, operation: Introduce, policy: Policy, addresses: Addresses
) -> tuple[Root, str]:
    """Return the root knowing the contact, and the contact's key. Raises RefusedError."""
    command, at_ms = operation.command, operation.at_ms
    first, *others = contact_keys(command, policy)
    key = key_at(root, first, at_ms, addresses)
    mark = root.erased.get(addresses.node(root.tenant_id, key))
    if mark is not None and at_ms <= mark.at_ms:
        raise RefusedError("the person was erased after this was asked")
    owner = parts.of_key(key)
    seeds, identities = root.seeds, root.identities
    addressed, seed = key, seeds.get(key)
    if seed is None and owner is not None:
        addressed, seed = owner.key, owner.seed  # evidence alone names the key
    if seed is None:
        seed = seed_of(root, key, at_ms, addresses)
        seeds = {**seeds, key: seed}
        identity = _identity(key, at_ms, seed.epoch)
        identities = {**identities, f"{identity.channel_id} {identity.external_id}": identity}
    edits = join_edits(
        root.edits.get(addressed, Edits(epoch=seed.epoch)),
        edits_of(_as_update(command), addressed, at_ms, seed.epoch),
    )
    _require_room(edits)
    links = root.links
    for other in others:
        link = link_between(
            key,
            other,
            rule="self_declared",
            at_ms=at_ms,
            message_id=command.id,
            said_by=command.issued_by,
            claimant=key,
            claimant_id=seed.id,
        )
        links = joined_links(links, {link.name: link})
    edited = root.edits if edits == root.edits.get(addressed) else {**root.edits, addressed: edits}
    if (seeds, edited, links) == (root.seeds, root.edits, root.links):
        return root, key
    now = msgspec.structs.replace(
        root, seeds=seeds, identities=identities, edits=edited, links=links
    )
    return now, key


def _identity(key: str, at_ms: int, epoch: int) -> IdentityState:
    value = key.partition(":")[2]
    return IdentityState(
        channel_id=IMPORT_CHANNEL,
        channel_type=IMPORT_CHANNEL,
        external_id=value,
        identity_key=key,
        first_seen_at_ms=at_ms,
        last_seen_at_ms=at_ms,
        epoch=epoch,
    )


def _as_update(command: ImportContact) -> UpdateCustomer:
    """Return what the contact's values would be as a change of a customer."""
    return UpdateCustomer(
        id=command.id,
        tenant_id=command.tenant_id,
        issued_at=command.issued_at,
        issued_by=command.issued_by,
        customer_id="",
        display_name=command.display_name,
        add_tags=command.tags,
        custom_attributes=dict(command.custom_attributes),
        add_phone=command.phone,
        add_email=command.email,
        source="import",
    )


def _require_room(edits: Edits) -> None:
    if max(len(edits.tags), len(edits.attributes)) > WORDS_KEPT:
        raise RefusedError(f"a customer has at most {WORDS_KEPT} tags and as many attributes")


def _a_version_on(before: Root, after: Root) -> Root:
    if after is before:
        return after
    return msgspec.structs.replace(after, version=before.version + 1)


def _answer(
    operation: Introduce, customer_id: str | None, *, refused: str | None = None
) -> CustomerEvent:
    command = operation.command
    return answer_event(
        command.tenant_id, command.id, customer_id, at_ms=operation.at_ms, refused=refused
    )
