"""A node's step: (node, operations) to (node, operations to send, records to emit).

The nodes that evidence ever connected form a tree of pointers under one root; roots meet by
`union` and `unite`, and the older one stays. Pointers only ever lead to a root of lower rank
(time, address), so no cycle can form and whatever raced ends in the same forest. Which of a
root's identities are one customer is `partition`'s. Pure: no Kafka, clock or log.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import msgspec

from streams.contracts.messages import MessageFact
from streams.identity.addresses import Addresses
from streams.identity.boundaries import cut, key_at, of_its_time
from streams.identity.commands import Outcome, adopt, answer, carry_out
from streams.identity.evidence import Link, joined_decisions, suggestion_id
from streams.identity.facts import Messages, facts_of
from streams.identity.forgetting import forget, joined_erased
from streams.identity.imports import introduce
from streams.identity.joins import join_edits, join_roots, with_links
from streams.identity.observations import identity_name, is_forgotten, join_observation
from streams.identity.operations import (
    Absorb,
    Adopt,
    Ask,
    Decline,
    Forget,
    Index,
    Introduce,
    Observe,
    Operation,
    Relate,
    Shorten,
    Union,
    Unite,
)
from streams.identity.partition import (
    EMPTY,
    Partition,
    is_one_key,
    moved_on,
    of_one_key,
    partition,
)
from streams.identity.policy import Policy
from streams.identity.reaching import published, reach, ways_to
from streams.identity.runs import run_at, with_run
from streams.identity.state import Edits, Node, Pointer, Root, identity_id, size
from streams.identity.telling import (
    NOTHING_TOLD,
    Forgotten,
    Record,
    Told,
    changes,
    movement,
    movements,
    told_of,
)


@dataclass(slots=True)
class Folded:
    """What a node became, whom it has something to say to, and what the world is told: of each
    message a fact, and of everything else records.
    """

    node: Node | None
    operations: list[tuple[str, Operation]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    messages: list[Messages] = field(default_factory=list)

    @property
    def facts(self) -> list[MessageFact]:
        """Return the fact of each message."""
        return [fact for messages in self.messages for fact in facts_of(messages)]


def fold(
    address: str,
    node: Node | None,
    operations: Iterable[Operation],
    policy: Policy,
    addresses: Addresses,
) -> Folded:
    """Return what the operations, in their order, make of the node at this address.

    Each record stands for the whole batch: one customer record however many messages came.
    """
    folding = _Folding(address, node, policy, addresses)
    folding.apply_all(operations if isinstance(operations, list) else list(operations))
    folding.tell()
    return folding.folded


class _Folding:
    """The node while a batch is folded into it; `told_root` is the root that the world was told
    of. What it makes is looked at where it is needed: not for the usual customer, of one key.
    """

    def __init__(
        self, address: str, node: Node | None, policy: Policy, addresses: Addresses
    ) -> None:
        self.address = address
        self.policy = policy
        self.gaps = policy.gaps
        self.addresses = addresses
        self.folded = Folded(node)
        self.told_root = node if isinstance(node, Root) else None
        self._parts: Partition | None = None
        self._told: Told | None = None
        self.observed: list[list[Observe]] = []  # each of one sender
        if isinstance(node, Root) and node.weighing != policy.weighing:
            # The policy changed: what it makes of what is known is told before anything else.
            self.folded.node = msgspec.structs.replace(node, version=node.version + 1)
            self.tell()

    @property
    def parts(self) -> Partition:
        """Return the customers that the world was told of."""
        if self._parts is None:
            self._parts = self._parts_told(self.told_root) if self.told_root else EMPTY
        return self._parts

    @property
    def told(self) -> Told:
        """Return what the world knows already: more than `parts` where roots have come together."""
        if self._told is None:
            self._told = told_of(self.told_root, self.parts) if self.told_root else NOTHING_TOLD
        return self._told

    def _parts_told(self, root: Root) -> Partition:
        """Return the customers of the root as the world was told, by the policy of then."""
        if root.weighing == self.policy.weighing:
            return partition(root, self.policy)
        return partition(root, self.policy.weighed_as(root.weighing))

    def apply_all(self, operations: list[Operation]) -> None:
        """Take the operations in: runs of plain messages at once, everything else one by one."""
        place, end = 0, len(operations)
        while place < end:
            after = self._run(operations, place)
            if after == place:
                self.apply(operations[place])
                after += 1
            place = after

    def _run(self, operations: list[Operation], place: int) -> int:
        root = self.folded.node
        if not isinstance(root, Root) or root.erased or root.boundaries:
            return place
        run = run_at(root, operations, place, self.gaps)
        if run is None:
            return place
        # A run only moves times on and opens conversations: it ends nothing that must be told.
        self.folded.node = with_run(root, run)
        self.observed.append(cast("list[Observe]", operations[place : run.end]))
        return run.end

    def apply(self, operation: Operation) -> None:
        """Take one operation in. Whatever could end what a batch of other bounds would have told
        of (a crash cuts batches anew) comes after that was told.
        """
        if not isinstance(operation, Observe):
            self.tell()
        node = self.folded.node
        if isinstance(operation, Index | Shorten):
            self._point(node, operation)
        elif isinstance(node, Pointer):
            self.send(node.to, operation)
        else:
            _STEPS[type(operation)](self, node, operation)

    def send(self, address: str, operation: Operation) -> None:
        self.folded.operations.append((address, operation))

    def _point(self, node: Node | None, operation: Index | Shorten) -> None:
        """Set the way of an index node, or shorten a pointer's: never overwrite a root."""
        is_new = isinstance(operation, Index) and node is None
        is_way = isinstance(operation, Shorten) and isinstance(node, Pointer)
        if (is_new or is_way) and operation.to != self.address:
            self.folded.node = Pointer(operation.to)

    def observe(self, root: Root | None, operation: Observe) -> None:
        if root is not None and root.boundaries:
            operation = of_its_time(root, operation, self.addresses)
        if operation.is_answer:
            self._answer(root, operation)
            return
        if root is None or not root.seeds:
            if root is not None and is_forgotten(root, operation, self.addresses):
                return
            if not self.policy.auto_creation:
                self.observed.append([operation])
                return
            root = root or Root(
                tenant_id=operation.tenant_id, rank_at_ms=operation.at_ms, version=0
            )
        elif is_forgotten(root, operation, self.addresses):
            return
        known = self._joined(root, operation)
        if root is not self.told_root and _ends_something(root, known, identity_name(operation)):
            self.tell()
            root = self._root() or root
            known = self._joined(root, operation)
        self.folded.node = known
        self.observed.append([operation])

    def _answer(self, root: Root | None, operation: Observe) -> None:
        """Note an answer as a message of whoever it answers. It joins nothing: what it would make
        known would hang on whether it came before the person did.
        """
        if root is None or not is_forgotten(root, operation, self.addresses):
            self.observed.append([operation])

    def _joined(self, root: Root, operation: Observe) -> Root:
        claimant = self.parts.of_key(operation.identity_key) if operation.claims else None
        claimant_id = claimant.seed.id if claimant else ""
        return join_observation(root, operation, self.gaps, self.addresses, claimant_id)

    def _root(self) -> Root | None:
        node = self.folded.node
        return node if isinstance(node, Root) else None

    def relate(self, root: Root | None, operation: Relate) -> None:
        root = root or Root(tenant_id=operation.tenant_id, rank_at_ms=operation.at_ms, version=0)
        said = {link.name: link for link in operation.links}
        decisions = operation.decisions
        if root.erased:
            about = Root(tenant_id=root.tenant_id, rank_at_ms=0, version=0, decisions=decisions)
            decisions = forget(about, root.erased, self.addresses).decisions
        edits = dict(root.edits)
        for bare, edit in operation.edits.items():
            key = key_at(root, bare, operation.at_ms, self.addresses)
            if (own := self._of_today(root, key, edit, operation.at_ms)) is not None:
                known = edits.get(key)
                edits[key] = join_edits(known, own) if known else own
        self._know(
            msgspec.structs.replace(
                with_links(root, said, self.addresses),
                decisions=joined_decisions(root.decisions, decisions),
                edits=edits,
            )
        )

    def _of_today(self, root: Root, key: str, edits: Edits, at_ms: int) -> Edits | None:
        """Return the edits under the epoch of whoever has the key now; None if of one before."""
        mark = root.erased.get(self.addresses.node(root.tenant_id, key)) if root.erased else None
        if mark is None:
            return edits
        return None if at_ms <= mark.at_ms else msgspec.structs.replace(edits, epoch=mark.epoch)

    def forget(self, root: Root | None, operation: Forget) -> None:
        """Forget what we know of a person who was erased elsewhere: their claims on our keys."""
        if root is None:
            return
        known = forget(root, joined_erased(root.erased, operation.erased), self.addresses)
        self._know(known)
        self.tell()
        self._forget_suggestions(root, known.links)

    def _know(self, root: Root) -> None:
        """Take the state over, a version on, if it says anything new."""
        root = cut(root, self.gaps, self.addresses)
        if root != self._root():
            self.folded.node = msgspec.structs.replace(root, version=root.version + 1)

    def carry_out(self, root: Root | None, operation: Ask | Adopt) -> None:
        command = operation.command
        if root is None:
            missing = command.customer_id
            if isinstance(operation, Adopt):
                missing = operation.command.other_customer_id
            asked = Ask(command=command, at_ms=operation.at_ms)
            refused = f"there is no customer {missing}"
            self.folded.records.append(answer(asked, refused=refused))
            return
        outcome: Outcome
        if isinstance(operation, Adopt):
            outcome = adopt(root, self.parts, operation)
        else:
            outcome = carry_out(root, self.parts, operation, self.policy, self.addresses)
        self.folded.node = outcome.root
        self.folded.operations += outcome.operations
        self.tell()
        self.folded.records += outcome.records

    def introduce(self, root: Root | None, operation: Introduce) -> None:
        outcome = introduce(root, self.parts, operation, self.policy, self.addresses)
        if root is not None or outcome.root.seeds:
            self.folded.node = outcome.root
        self.tell()
        self.folded.records += outcome.records

    def union(self, root: Root | None, operation: Union) -> None:
        if operation.other == self.address:
            return
        if root is None:
            self.folded.node = Pointer(operation.other)
            return
        known = with_links(root, {operation.link.name: operation.link}, self.addresses)
        self._know(known)
        if not {operation.link.left, operation.link.right} & partition(known, self.policy).shared:
            self._propose(operation.other, operation.link)

    def _propose(self, address: str, link: Link, *, is_invitation: bool = False) -> None:
        node = self.folded.node
        if isinstance(node, Root):
            proposal = Unite(
                tenant_id=node.tenant_id,
                root=self.address,
                rank_at_ms=node.rank_at_ms,
                size=size(node) - node.invited.get(address, 0),
                link=link,
                is_invitation=is_invitation,
            )
            self.send(address, proposal)

    def unite(self, root: Root | None, operation: Unite) -> None:
        """Give way to an older root that invites us; invite a younger one, if there is room."""
        other, link = operation.root, operation.link
        if other == self.address or (root is not None and self._holds(root, other)):
            return
        if root is None:
            self.folded.node = Pointer(other)
            return
        is_older = (operation.rank_at_ms, other) < (root.rank_at_ms, self.address)
        together = size(root) - root.invited.get(other, 0) + operation.size
        if is_older and not operation.is_invitation:
            self._propose(other, link)
        elif together > self.policy.identity_cap:
            self._refuse(root, operation)
        elif is_older:
            self._give_way(other)
        else:
            invited = {**root.invited, other: operation.size}
            self.folded.node = msgspec.structs.replace(root, invited=invited)
            self._propose(other, link, is_invitation=True)

    def _holds(self, root: Root, address: str) -> bool:
        return any(seed.address == address for seed in root.seeds.values())

    def _refuse(self, root: Root, operation: Unite) -> None:
        """Note that the cap forbids the link, and let the other root know."""
        name = operation.link.name
        known = with_links(root, {name: operation.link}, self.addresses)
        if name in known.links:
            refused = tuple(sorted({*root.refused, name}))
            self._know(msgspec.structs.replace(known, refused=refused))
        self.send(operation.root, Decline(root=self.address))

    def decline(self, root: Root | None, operation: Decline) -> None:
        if root is not None and operation.root in root.invited:
            self.folded.node = msgspec.structs.replace(
                root,
                invited={a: n for a, n in root.invited.items() if a != operation.root},
            )

    def _give_way(self, address: str) -> None:
        """Become a pointer to the older root, which gets all that was known here."""
        if (root := self._root()) is not None:
            self.send(address, Absorb(giver=self.address, state=root))
        self.folded.node = Pointer(address)
        self.told_root, self._told, self._parts = None, None, None

    def absorb(self, root: Root | None, operation: Absorb) -> None:
        """Join what the giver knew; the world was told of both sides."""
        state = operation.state
        invited = dict(root.invited) if root else {}
        for giver in (operation.giver, *(seed.address for seed in state.seeds.values())):
            invited.pop(giver, None)
        state = msgspec.structs.replace(state, invited={})
        if root is None:
            joined = state
        else:
            kept = state
            if root.erased:
                kept = forget(state, joined_erased(root.erased, state.erased), self.addresses)
            self._told = self.told.joined(self._told_of(state, kept))
            joined = join_roots(root, kept, self.gaps, self.addresses)
            self._forget_suggestions(state, {*kept.links, *joined.links})
            state = kept
            joined = cut(joined, self.gaps, self.addresses)
        self.folded.node = msgspec.structs.replace(joined, invited=invited)
        for seed in state.seeds.values():
            if seed.address not in (self.address, operation.giver):
                self.send(seed.address, Shorten(to=self.address))

    def _told_of(self, state: Root, kept: Root) -> Told:
        """Return what the world knows of the state's customers, as far as they are kept: also what
        of theirs is forgotten here, such as a link to somebody erased, which is to be taken back.
        """
        told = told_of(state, self._parts_told(state))
        if kept is state:
            return told
        components = {
            own_id: component
            for own_id, component in told.components.items()
            if (seed := kept.seeds.get(component.key)) is not None and seed.id == own_id
        }
        suggestions = told_of(kept, self._parts_told(kept)).suggestions
        return Told(components, suggestions, told.guards)

    def _forget_suggestions(self, state: Root, kept: Collection[str]) -> None:
        """Have the suggestions deleted that speak of somebody who is forgotten."""
        self.folded.records += [
            Forgotten("suggestions", suggestion_id(state.tenant_id, link))
            for name, link in state.links.items()
            if name not in kept
        ]

    def tell(self) -> None:
        """Emit what has changed since the world was last told, and reach out along new links."""
        root = self._root()
        if root is not None and root is not self.told_root:
            if (told_root := self._moved_on_from(root)) is None:
                root = self._tell_changes(root)
            elif self._told is None and is_one_key(root):
                known = tuple(told_root.identities.items())
                self.folded.records += movement(root, known, of_one_key(root))
                self._parts = None
            elif self.told.components is self.parts.components:
                root = self._tell_movements(root)
            else:
                root = self._tell_changes(root)
            self.folded.node = root
        self.told_root = root
        self._tell_facts(root)

    def _tell_changes(self, root: Root) -> Root:
        parts = partition(root, self.policy)
        told = told_of(root, parts)
        self.folded.records += changes(root, self.told, parts, told)
        self._parts, self._told = parts, told
        self.folded.operations += ways_to(root, self.told_root)
        root = published(self._reached(root), parts)
        if root.weighing != self.policy.weighing:
            root = msgspec.structs.replace(root, weighing=self.policy.weighing)
        return root

    def _tell_movements(self, root: Root) -> Root:
        after = moved_on(self.parts, root)
        self.folded.records += movements(root, self.parts, after)
        self._told = Told(after.components, self.told.suggestions, self.told.guards)
        self._parts = after
        return self._reached(root)

    def _moved_on_from(self, root: Root) -> Root | None:
        """Return the root that the world was told of, where the same keys and evidence make the
        same customers of the same identities still: after the usual message.
        """
        told = self.told_root
        has_only_moved_on = (
            told is not None
            and root.seeds is told.seeds
            and root.links is told.links
            and root.decisions is told.decisions
            and root.edits is told.edits
            and root.refused is told.refused
            and root.erased is told.erased
            and root.boundaries is told.boundaries
            and root.weighing == self.policy.weighing
            and root.identities.keys() == told.identities.keys()
        )
        return told if has_only_moved_on else None

    def _reached(self, root: Root) -> Root:
        asked, operations = reach(root, self.address, self.policy, self.addresses)
        self.folded.operations += operations
        return asked

    def _tell_facts(self, root: Root | None) -> None:
        """Emit a fact a message; whose it is, is looked up once a run."""
        self.folded.messages += [self._messages(root, observed) for observed in self.observed]
        self.observed.clear()

    def _messages(self, root: Root | None, observed: list[Observe]) -> Messages:
        observe = observed[0]
        key = observe.identity_key
        seed = root.seeds.get(key) if root is not None else None
        own_id = seed.id if seed else identity_id(self.addresses.node(observe.tenant_id, key))
        identity = root.identities.get(identity_name(observe)) if root is not None else None
        if root is None or identity is None:
            return Messages(observed, (), None, own_id)
        if seed is not None and is_one_key(root):
            return Messages(observed, identity.windows, own_id, own_id)
        owner = self.parts.of_key(key)
        return Messages(observed, identity.windows, owner.seed.id if owner else None, own_id)


_STEPS: Final[Mapping[type, Callable[[_Folding, Root | None, Any], None]]] = {
    Observe: _Folding.observe,
    Relate: _Folding.relate,
    Forget: _Folding.forget,
    Ask: _Folding.carry_out,
    Adopt: _Folding.carry_out,
    Introduce: _Folding.introduce,
    Union: _Folding.union,
    Unite: _Folding.unite,
    Decline: _Folding.decline,
    Absorb: _Folding.absorb,
}


def _ends_something(before: Root, after: Root, name: str) -> bool:
    """Say whether the message may have ended what could have been told: a customer, a suggestion,
    a conversation. The usual message only moves times on, or opens a conversation.
    """
    if before.links is not after.links or before.seeds is not after.seeds:
        return bool(before.seeds)
    identity = before.identities.get(name)
    if identity is None:
        return False
    old, new = identity.windows, after.identities[name].windows
    kept = len(old) - (1 if len(old) == len(new) else 0)
    return old is not new and (
        len(new) < len(old)
        or [w.id for w in old[:kept]] != [w.id for w in new[:kept]]
        or (len(new) == len(old) and old[-1].id != new[-1].id)
    )
