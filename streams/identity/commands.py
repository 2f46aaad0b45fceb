"""What a command makes of a root: pure functions from (root, command) to what is known afterwards.

Everything adds knowledge that joins: an edit is a register, a merge a link, a split or a refusal a
decision, an erasure a mark. So a command that is repeated changes nothing and is answered alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from streams.contracts.commands import (
    AnyCustomerCommand,
    ConfirmSuggestion,
    EraseCustomer,
    MergeCustomers,
    RefuseSuggestion,
    SplitCustomer,
    UpdateCustomer,
)
from streams.identity.addresses import Addresses, index_address
from streams.identity.boundaries import boundary_for, cut, erased_identities
from streams.identity.events import answer_event, erased_event
from streams.identity.evidence import (
    FORCED_RULES,
    Decision,
    joined_decisions,
    joined_links,
    link_between,
    suggestion_id,
)
from streams.identity.forgetting import forget
from streams.identity.instants import to_ms
from streams.identity.joins import join_edits
from streams.identity.operations import Adopt, Ask, Forget, Index, Operation, Relate
from streams.identity.owners import bare_key, changes_owners, later_key
from streams.identity.partition import Component, Partition
from streams.identity.policy import Policy
from streams.identity.refusals import Refusal, RefusedError, joined_refusals
from streams.identity.state import Edits, Erased, Root, Seed, identity_id
from streams.identity.telling import Forgotten, Record
from streams.identity.updates import added_keys, edits_of

WORDS_KEPT: Final = 100
_OWNERS_KEPT: Final = 16  # of one number; each stays in the state for ever


@dataclass(slots=True)
class Outcome:
    """What is known after a command, whom it concerns, and what the world is told."""

    root: Root
    operations: list[tuple[str, Operation]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def carry_out(
    root: Root, parts: Partition, ask: Ask, policy: Policy, addresses: Addresses
) -> Outcome:
    """Return what the command makes of the root, its answer among the records.

    A merge is answered by the other customer's root, which adopts ours.
    """
    if (refusal := root.refusals.get(ask.command.id)) is not None:
        return Outcome(root, records=[answer(ask, refused=refusal.why)])
    try:
        outcome = _Carrying(root, parts, ask, policy, addresses).outcome()
    except RefusedError as error:
        return _refused(root, ask, str(error))
    if not any(isinstance(operation, Adopt) for _, operation in outcome.operations):
        outcome.records.append(answer(ask))
    return _a_version_on(root, outcome)


def adopt(root: Root, parts: Partition, operation: Adopt) -> Outcome:
    """Return the root with the link to the customer that the merge named first, and the answer."""
    command = operation.command
    asked = Ask(command=command, at_ms=operation.at_ms)
    if (refusal := root.refusals.get(command.id)) is not None:
        return Outcome(root, records=[answer(asked, refused=refusal.why)])
    found = _seed_of(root, command.other_customer_id)
    if found is None or parts.of_key(found[0]) is None:
        gone = _was_erased(root, command.other_customer_id)
        reason = "was erased" if gone else "is not known"
        return _refused(root, asked, f"the customer {command.other_customer_id} {reason}")
    mark = root.erased.get(operation.address)
    if mark is not None and operation.at_ms <= mark.at_ms:
        # A replay: whom it tied to ours was erased since, and nothing ties to nobody.
        return Outcome(root, records=[answer(asked)])
    outcome = _decided(root, operation.key, found[0], "agent_merge", asked)
    outcome.records.append(answer(asked))
    return _a_version_on(root, outcome)


def answer(ask: Ask, *, refused: str | None = None) -> Record:
    """Return the event that answers the command."""
    command = ask.command
    return answer_event(
        command.tenant_id, command.id, command.customer_id, at_ms=ask.at_ms, refused=refused
    )


def _refused(root: Root, ask: Ask, why: str) -> Outcome:
    """Return the refusal, remembered: the command's id stands for this answer from now on."""
    refusals = joined_refusals(root.refusals, {ask.command.id: Refusal(ask.at_ms, why)})
    now = root if refusals is root.refusals else msgspec.structs.replace(root, refusals=refusals)
    return _a_version_on(root, Outcome(now, records=[answer(ask, refused=why)]))


def _a_version_on(before: Root, outcome: Outcome) -> Outcome:
    if outcome.root is not before:
        outcome.root = msgspec.structs.replace(outcome.root, version=before.version + 1)
    return outcome


class _Carrying:
    """One command on one root: `key` and `seed` are of the customer it addresses, `owner` is who
    holds that key now.
    """

    def __init__(
        self, root: Root, parts: Partition, ask: Ask, policy: Policy, addresses: Addresses
    ) -> None:
        self.root = root
        self.ask = ask
        self.policy = policy
        self.addresses = addresses
        found = _seed_of(root, ask.command.customer_id)
        self.key = found[0] if found else ""
        self.seed = found[1] if found else None
        self.owner = parts.of_key(self.key) if found else None

    def outcome(self) -> Outcome:
        command = self.ask.command
        if self.owner is None or self.seed is None:
            return self._of_nobody(command)
        match command:
            case UpdateCustomer():
                return self._update(command, self.seed)
            case MergeCustomers():
                return self._merge(command, self.seed, self.owner)
            case SplitCustomer():
                return self._split(command, self.owner)
            case EraseCustomer():
                return self._erase(self.owner)
        return self._judge(command)

    def _of_nobody(self, command: AnyCustomerCommand) -> Outcome:
        if not _was_erased(self.root, command.customer_id):
            raise RefusedError(f"there is no customer {command.customer_id}")
        if isinstance(command, EraseCustomer):
            return Outcome(self.root)
        raise RefusedError(f"the customer {command.customer_id} was erased")

    def _update(self, command: UpdateCustomer, seed: Seed) -> Outcome:
        """Set what the command gives, under the key of the customer that it addresses."""
        root, key = self.root, self.key
        known = root.edits.get(key, Edits(epoch=seed.epoch))
        edits = join_edits(known, edits_of(command, key, self.ask.at_ms, seed.epoch))
        if max(len(edits.tags), len(edits.attributes)) > WORDS_KEPT:
            raise RefusedError(f"a customer has at most {WORDS_KEPT} tags and as many attributes")
        links = root.links
        for other in added_keys(command, self.policy):
            if other != key:
                link = link_between(
                    key,
                    other,
                    rule="agent_value",
                    at_ms=self.ask.at_ms,
                    message_id=command.id,
                    said_by=command.issued_by,
                    claimant=key,
                    claimant_id=seed.id,
                )
                links = joined_links(links, {link.name: link})
        if edits == known and links is root.links:
            return Outcome(root)
        edited = {**root.edits, key: edits}
        return Outcome(msgspec.structs.replace(root, edits=edited, links=links))

    def _merge(self, command: MergeCustomers, seed: Seed, owner: Component) -> Outcome:
        """Ask the other customer's root to link it to ours; it answers the command."""
        if command.other_customer_id in {own.id for _, own in owner.seeds}:
            return Outcome(self.root)
        adopting = Adopt(command=command, at_ms=self.ask.at_ms, key=self.key, address=seed.address)
        index = index_address(self.root.tenant_id, command.other_customer_id)
        return Outcome(self.root, [(index, adopting)])

    def _split(self, command: SplitCustomer, owner: Component) -> Outcome:
        """Keep the named keys and the customer's others apart from now on, each side together."""
        if command.id in self.root.decisions:
            return Outcome(self.root)
        own = {key for key, _ in owner.seeds}
        named = set(command.identity_keys)
        taken = {key for key in own if bare_key(key) in named}
        unknown = named - {bare_key(key) for key in taken}
        if not named:
            raise RefusedError("identityKeys: name at least one of the customer's identity keys")
        if unknown:
            raise RefusedError(
                f"identityKeys: {len(unknown)} of them are none of this customer's; "
                "its record on `customers` lists those it has"
            )
        if command.since is not None:
            return self._split_by_time(command, owner, sorted(taken), to_ms(command.since))
        if taken == own:
            raise RefusedError("identityKeys: leave at least one identity key to the customer")
        decision = Decision(
            left=tuple(sorted(taken)),
            right=tuple(sorted(own - taken)),
            at_ms=_decided_at_ms(self.root, self.ask.at_ms),
            is_split=True,
        )
        return Outcome(self._deciding({command.id: decision}))

    def _split_by_time(
        self, command: SplitCustomer, owner: Component, keys: list[str], since_ms: int
    ) -> Outcome:
        """Make what the numbers did from then on another customer's: their next owner's."""
        tenant_id, boundaries = self.root.tenant_id, dict(self.root.boundaries)
        later: list[str] = []
        ways: list[tuple[str, Operation]] = []
        for key in keys:
            if not changes_owners(key):
                raise RefusedError(
                    "since: only a phone number is somebody else's from some time on; split other "
                    "identity keys without it"
                )
            identities = [one for _, one in owner.identities if one.identity_key == key]
            boundary_ms = boundary_for(identities, since_ms)
            if boundary_ms is None:
                raise RefusedError(
                    "since: choose a time in a silence of the number, with messages of it before "
                    "and after; the customer's possibleNewOwnerSince is one"
                )
            address = self.addresses.node(tenant_id, bare_key(key))
            known = boundaries.get(address, ())
            if len(known) >= _OWNERS_KEPT:
                raise RefusedError(f"since: a number has at most {_OWNERS_KEPT} later owners")
            boundaries[address] = tuple(sorted({*known, boundary_ms}))
            later.append(later_key(key, boundary_ms))
            # The later key is a key like any other: its node leads here.
            way = Index(to=dict(owner.seeds)[key].address)
            ways.append((self.addresses.node(tenant_id, later[-1]), way))
        decision = Decision(
            left=tuple(later),
            right=tuple(keys),
            at_ms=_decided_at_ms(self.root, self.ask.at_ms),
            is_split=True,
        )
        root = msgspec.structs.replace(
            self._deciding({command.id: decision}), boundaries=boundaries
        )
        return Outcome(cut(root, self.policy.gaps, self.addresses), ways)

    def _deciding(self, decisions: Mapping[str, Decision]) -> Root:
        known = joined_decisions(self.root.decisions, decisions)
        return msgspec.structs.replace(self.root, decisions=known)

    def _judge(self, command: ConfirmSuggestion | RefuseSuggestion) -> Outcome:
        """Link the ends of a suggestion, or keep them apart, here and at the other end's root."""
        root = self.root
        links = root.links.values()
        link = next(
            (k for k in links if suggestion_id(root.tenant_id, k) == command.suggestion_id), None
        )
        if link is None:
            raise RefusedError(
                f"the customer {command.customer_id} has no suggestion {command.suggestion_id}"
            )
        if isinstance(command, ConfirmSuggestion):
            return _decided(root, link.left, link.right, "suggestion_confirmed", self.ask)
        if command.id in root.decisions:
            return Outcome(root)
        at_ms = _decided_at_ms(root, self.ask.at_ms)
        decisions = {command.id: Decision(left=(link.left,), right=(link.right,), at_ms=at_ms)}
        relate = Relate(tenant_id=root.tenant_id, at_ms=at_ms, decisions=decisions)
        foreign = [end for end in (link.left, link.right) if end not in root.seeds]
        return Outcome(
            self._deciding(decisions),
            [(self.addresses.node(root.tenant_id, end), relate) for end in foreign],
        )

    def _erase(self, owner: Component) -> Outcome:
        """Forget the customer: what was known until now, and what is still said of that time."""
        root, keys = self.root, owner.keys
        touching = [k for k in root.links.values() if k.left in keys or k.right in keys]
        known_until_ms = max(
            self.ask.at_ms,
            *(identity.last_seen_at_ms for _, identity in owner.identities),
            *(link.at_ms for link in touching),
            *(d.at_ms for d in root.decisions.values() if not keys.isdisjoint((*d.left, *d.right))),
        )
        seeds = dict(owner.seeds)
        erased = dict(root.erased)
        for key in keys:
            seed = seeds.get(key)
            address = seed.address if seed else self.addresses.node(root.tenant_id, key)
            mark = erased.get(address)
            epoch = seed.epoch if seed else mark.epoch if mark else 0
            erased[address] = Erased(known_until_ms, epoch + 1)
        windows = [window for _, identity in owner.identities for window in identity.windows]
        records: list[Record] = [
            *(Forgotten("customers", seed.id) for seed in seeds.values()),
            *(Forgotten("conversations", window.id) for window in windows),
            *(Forgotten("suggestions", suggestion_id(root.tenant_id, k)) for k in touching),
            erased_event(
                root.tenant_id,
                self.ask.command.id,
                owner.seed.id,
                at_ms=self.ask.at_ms,
                erased=tuple(
                    identity
                    for key, seed in seeds.items()
                    for identity in erased_identities(root, key, seed, self.addresses)
                ),
            ),
        ]
        tell = Forget(tenant_id=root.tenant_id, erased=erased)
        others = {end for k in touching for end in (k.left, k.right)} - set(root.seeds)
        return Outcome(
            forget(root, erased, self.addresses),
            [(self.addresses.node(root.tenant_id, end), tell) for end in sorted(others)],
            records,
        )


def _seed_of(root: Root, customer_id: str) -> tuple[str, Seed] | None:
    return next((item for item in root.seeds.items() if item[1].id == customer_id), None)


def _was_erased(root: Root, customer_id: str) -> bool:
    return any(
        identity_id(address, epoch) == customer_id
        for address, mark in root.erased.items()
        for epoch in range(mark.epoch)
    )


def _decided(root: Root, one: str, other: str, rule: str, ask: Ask) -> Outcome:
    """Link what somebody decided belongs together, once a command."""
    link = link_between(
        one,
        other,
        rule=rule,
        at_ms=_decided_at_ms(root, ask.at_ms),
        message_id=ask.command.id,
        said_by=ask.command.issued_by,
    )
    if link.name in root.links:
        return Outcome(root)
    links = joined_links(root.links, {link.name: link})
    return Outcome(msgspec.structs.replace(root, links=links))


def _decided_at_ms(root: Root, at_ms: int) -> int:
    """Return a time for a decision that is later than any decision it was made in view of:
    clocks differ, and the newest decides.
    """
    decided = [decision.at_ms for decision in root.decisions.values()]
    decided += [link.at_ms for link in root.links.values() if link.rule in FORCED_RULES]
    return max([at_ms, *(known + 1 for known in decided)])
