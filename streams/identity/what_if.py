"""What another policy would make of the customers there are: who would become one, who would part.

The same weighing as the worker's (`partition`), over customers as a reader of the outputs knows
them. Pure; where they are read is somebody else's business.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec

from streams.identity.evidence import FORCED_RULES, Decision, Link, link_between
from streams.identity.partition import Component, Partition, partition
from streams.identity.policy import Policy
from streams.identity.state import IdentityState, Root, Seed


class Held(NamedTuple):
    """An identity key of a customer: the id that it makes, and its age."""

    key: str
    id: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class Known:
    """A tenant's customers with their keys, the evidence about them, and what keeps them apart.

    `in_force` names the links that make customers one today; `capped` those that the cap on
    identities forbade.
    """

    tenant_id: str
    customers: Mapping[str, tuple[Held, ...]]
    links: Mapping[str, Link]
    in_force: frozenset[str] = frozenset()
    capped: frozenset[str] = frozenset()
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Two customers become one, or one becomes two: `customer_id` keeps its id, `other_customer_id`
    goes into it, or is new. `rule` is of the evidence that newly links, or no longer does.
    """

    kind: Literal["merge", "split"]
    tenant_id: str
    rule: str
    customer_id: str
    other_customer_id: str
    identity_key: str
    other_identity_key: str
    message_id: str

    @property
    def of_whom(self) -> tuple[str, frozenset[str]]:
        """Return what makes it the same change under another policy."""
        return self.kind, frozenset((self.customer_id, self.other_customer_id))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy makes of a tenant's customers: `people` has the keys of each, `questions` how
    often it asks somebody, by rule.
    """

    changes: tuple[Change, ...]
    people: tuple[frozenset[str], ...]
    questions: Mapping[str, int]


def outcome(known: Known, policy: Policy) -> Outcome:
    """Return what would change if all evidence were weighed by the policy, now."""
    changes: list[Change] = []
    people: list[frozenset[str]] = []
    questions: Counter[str] = Counter()
    for group in _groups(known):
        parts = group.parts(policy)
        changes += group.merges(parts)
        changes += group.splits(parts)
        people += [frozenset(dict(c.seeds)) for c in parts.components.values()]
        questions.update(question.link.rule for question in parts.questions)
    return Outcome(tuple(changes), tuple(people), questions)


def _groups(known: Known) -> Iterator["_Group"]:
    """Yield what evidence or a customer connects, apart from each other."""
    sets = _Sets()
    owners: dict[str, str] = {}
    held: dict[str, Held] = {}
    for customer_id, keys in known.customers.items():
        for one in keys:
            owners[one.key], held[one.key] = customer_id, one
            sets.join(keys[0].key, one.key)
    for link in known.links.values():
        sets.join(link.left, link.right)
    groups: defaultdict[str, _Group] = defaultdict(lambda: _Group(known, owners))
    for key, one in held.items():
        groups[sets.of(key)].held.append(one)
    for name, link in known.links.items():
        groups[sets.of(link.left)].links[name] = link
    for number, decision in enumerate(known.decisions):
        for place in {sets.of(key) for key in (*decision.left, *decision.right)}:
            groups[place].decisions[f"{number:09}"] = decision
    for group in groups.values():
        if group.held:
            yield group


class _Sets:
    """Disjoint sets of keys."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def of(self, key: str) -> str:
        above = self._above.setdefault(key, key)
        while above != key:
            self._above[key] = self._above[above]
            key, above = above, self._above[above]
        return key

    def join(self, one: str, other: str) -> bool:
        """Say whether the two were apart."""
        first, second = self.of(one), self.of(other)
        self._above[second] = first
        return first != second


@dataclass(slots=True)
class _Group:
    known: Known
    owners: Mapping[str, str]
    held: list[Held] = field(default_factory=list)
    links: dict[str, Link] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)

    def parts(self, policy: Policy) -> Partition:
        """Return the customers that the policy makes."""
        root = self._root()
        parts = partition(root, policy)
        over = [c for c in parts.components.values() if len(c.seeds) > policy.identity_cap]
        refused = {name for component in over for name in self._refused(component, policy)}
        if not refused:
            return parts
        kept = tuple(sorted({*root.refused, *refused}))
        return partition(msgspec.structs.replace(root, refused=kept), policy)

    def _root(self) -> Root:
        living = {self.owners[one.key] for one in self.held}
        links = {**self.links, **self._held_together()}
        return Root(
            tenant_id=self.known.tenant_id,
            rank_at_ms=0,
            version=1,
            identities={
                one.key: IdentityState(
                    channel_id="",
                    channel_type="",
                    external_id="",
                    identity_key=one.key,
                    first_seen_at_ms=one.since_ms,
                    last_seen_at_ms=one.since_ms,
                )
                for one in self.held
            },
            seeds={
                one.key: Seed(
                    id=one.id,
                    address="",
                    rank_at_ms=one.since_ms,
                    is_published=one.id in living,
                )
                for one in self.held
            },
            links=links,
            decisions=self.decisions,
            refused=tuple(sorted(name for name in links if name in self.known.capped)),
        )

    def _held_together(self) -> dict[str, Link]:
        """Return what else makes customers one than their links: after a split each side stays
        together, whatever is said of it.
        """
        sets = _Sets()
        for name, link in self.links.items():
            if name in self.known.in_force:
                sets.join(link.left, link.right)
        first: dict[str, str] = {}
        found = {}
        for one in self.held:
            begun = first.setdefault(self.owners[one.key], one.key)
            if sets.join(begun, one.key):
                link = link_between(begun, one.key, rule="agent_merge", at_ms=0, message_id="")
                found[link.name] = link
        return found

    def _refused(self, component: Component, policy: Policy) -> Iterator[str]:
        """Yield the links that would gather more keys than the cap allows: the newest."""
        sets = _Sets()
        sizes: Counter[str] = Counter()
        for key, _ in component.seeds:
            sizes[key] = 1
        for link in sorted(component.links, key=self._is_new):
            one, other = sets.of(link.left), sets.of(link.right)
            if one == other:
                continue
            together = sizes[one] + sizes[other]
            if together > policy.identity_cap and self._is_new(link):
                yield link.name
                continue
            sets.join(one, other)
            sizes[sets.of(one)] = together

    def _is_new(self, link: Link) -> bool:
        """Say whether the link makes nobody one today."""
        return link.name not in self.known.in_force and link.rule not in FORCED_RULES

    def merges(self, parts: Partition) -> Iterator[Change]:
        """Yield who would become one, each by the link that newly does it."""
        for component in parts.components.values():
            owners = {self.owners[key] for key, _ in component.seeds}
            if len(owners) > 1:
                yield from self._merged(component, owners)

    def _merged(self, component: Component, owners: set[str]) -> Iterator[Change]:
        survivor = component.seed.id if component.seed.id in owners else min(owners)
        ages = {self.owners[key]: seed.rank_at_ms for key, seed in reversed(component.seeds)}
        keys: dict[str, str] = {}
        sets = _Sets()
        whose: dict[str, str] = {}
        for key, _ in component.seeds:
            owner = self.owners[key]
            sets.join(keys.setdefault(owner, key), key)
        for owner, key in keys.items():
            whose[sets.of(key)] = owner
        for link in sorted(component.links, key=self._is_new):
            one, other = (whose.get(sets.of(end)) for end in (link.left, link.right))
            if not sets.join(link.left, link.right):
                continue
            if one is None or other is None:
                if (found := one or other) is not None:
                    whose[sets.of(link.left)] = found
                continue
            stays, goes = sorted(
                (one, other), key=lambda owner: (owner != survivor, ages[owner], owner)
            )
            whose[sets.of(link.left)] = stays
            yield self._change("merge", link, stays, goes)

    def splits(self, parts: Partition) -> Iterator[Change]:
        """Yield who would part, each by a link that does no longer hold them together."""
        new_ids: dict[str, str] = {}
        sets = _Sets()
        for component in parts.components.values():
            for key in component.keys:
                sets.join(component.key, key)
            for key, _ in component.seeds:
                new_ids[key] = component.seed.id
        by_owner: defaultdict[str, list[str]] = defaultdict(list)
        for one in self.held:
            by_owner[self.owners[one.key]].append(one.key)
        for owner, keys in by_owner.items():
            pieces = {sets.of(key): new_ids[key] for key in keys}
            if len(pieces) > 1:
                yield from self._parted(owner, pieces, sets)

    def _parted(self, owner: str, pieces: dict[str, str], before: _Sets) -> Iterator[Change]:
        """Join the pieces again by the links of today: each that does parts them."""
        sets = _Sets()
        ids = dict(pieces)
        for link in sorted(self.links.values(), key=lambda link: (link.at_ms, link.name)):
            if link.name not in self.known.in_force:
                continue
            one, other = before.of(link.left), before.of(link.right)
            first, second = ids.get(sets.of(one)), ids.get(sets.of(other))
            if not sets.join(one, other):
                continue
            if first is None or second is None:
                if new_id := first or second:
                    ids[sets.of(one)] = new_id
                continue
            stays, goes = sorted((first, second), key=lambda own: (own != owner, own))
            ids[sets.of(one)] = stays
            yield self._change("split", link, owner, goes)

    def _change(self, kind: Literal["merge", "split"], link: Link, stays: str, goes: str) -> Change:
        return Change(
            kind=kind,
            tenant_id=self.known.tenant_id,
            rule=link.rule,
            customer_id=stays,
            other_customer_id=goes,
            identity_key=link.left,
            other_identity_key=link.right,
            message_id=link.message_id,
        )


def new_changes(proposed: Outcome, current: Outcome) -> list[Change]:
    """Return what the proposed policy changes, but for what the one in force is about to."""
    due = {change.of_whom for change in current.changes}
    return [change for change in proposed.changes if change.of_whom not in due]


def by_rule(changes: Iterable[Change]) -> dict[str, Counter[str]]:
    """Return how many merges and splits each rule makes."""
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for change in changes:
        counted[change.rule][change.kind] += 1
    return dict(sorted(counted.items()))
