"""What another policy would make of the customers there are: who would become one, who would part.

The same weighing as the worker's (`partition`), over customers as a reader of the outputs knows
them. Pure; where they are read is somebody else's business.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from streams.identity.evidence import (
    DECISIONS_KEPT,
    FORCED_RULES,
    LINKS_KEPT,
    Decision,
    Link,
)
from streams.identity.partition import Component, Partition, partition
from streams.identity.policy import Policy
from streams.identity.state import IdentityState, Root, Seed

# Why it cannot be told what becomes of a customer.
Reason = Literal["too_many_identities", "too_much_evidence", "older_record"]
REASONS: Final[Mapping[Reason, str]] = {
    "too_many_identities": "together they have more identities than the cap allows: who comes "
    "first decides whom it keeps apart",
    "too_much_evidence": "there is more evidence about them than a customer keeps",
    "older_record": "their records are older than the version that tells all evidence: each tells "
    "it once it is next heard from",
}


class Held(NamedTuple):
    """An identity key of a customer: the id that it makes, its age, and whether the world has seen
    a customer of that id.
    """

    key: str
    id: str
    since_ms: int
    is_named: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A tenant's customers with their keys, the evidence about them, and what keeps them apart.

    `in_force` names the links that make customers one today; `capped` those that the cap on
    identities forbade. `decisions` are by command. Of the `untold` not all is known.
    """

    tenant_id: str
    customers: Mapping[str, tuple[Held, ...]]
    links: Mapping[str, Link]
    in_force: frozenset[str] = frozenset()
    capped: frozenset[str] = frozenset()
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    untold: frozenset[str] = frozenset()


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
    often it asks somebody, by rule. Of the `untold` customers it cannot be told; they are in
    `people` as they are today.
    """

    changes: tuple[Change, ...]
    people: tuple[frozenset[str], ...]
    questions: Mapping[str, int]
    untold: Mapping[str, Reason]


def outcome(known: Known, policy: Policy) -> Outcome:
    """Return what would change if all evidence were weighed by the policy, now."""
    changes: list[Change] = []
    people: list[frozenset[str]] = []
    questions: Counter[str] = Counter()
    untold: dict[str, Reason] = {}
    for group in _groups(known):
        parts = partition(group.root(), policy)
        due = list(group.changes(parts))
        if (reason := group.reason(policy, due)) is not None:
            untold |= dict.fromkeys(group.concerned(due), reason)
            people += group.people()
            continue
        changes += due
        people += [frozenset(dict(c.seeds)) for c in parts.components.values()]
        questions.update(question.link.rule for question in parts.questions)
    return Outcome(tuple(changes), tuple(people), questions, untold)


def _groups(known: Known) -> Iterator["_Group"]:
    """Yield what evidence or a customer connects, apart from each other."""
    owners = {one.key: own_id for own_id, keys in known.customers.items() for one in keys}
    sets = _connected(known)
    groups: defaultdict[str, _Group] = defaultdict(lambda: _Group(known, owners))
    for keys in known.customers.values():
        for one in keys:
            groups[sets.of(one.key)].held.append(one)
    for name, link in known.links.items():
        groups[sets.of(link.left)].links[name] = link
    for name, decision in known.decisions.items():
        for place in {sets.of(key) for key in (*decision.left, *decision.right)}:
            groups[place].decisions[name] = decision
    for group in groups.values():
        if group.held:
            yield group


def _connected(known: Known) -> "_Sets":
    sets = _Sets()
    for keys in known.customers.values():
        for one in keys:
            sets.join(keys[0].key, one.key)
    for link in known.links.values():
        sets.join(link.left, link.right)
    for decision in known.decisions.values():
        if decision.is_split:  # each side stays together, whatever is said of it
            for first, second in (*pairwise(decision.left), *pairwise(decision.right)):
                sets.join(first, second)
    return sets


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


class _Piece(NamedTuple):
    """What of a customer of today (`owner`) would be in one of then, and the id that it would have
    alone.
    """

    owner: str
    id: str
    since_ms: int
    keys: tuple[str, ...]
    component: Component


@dataclass(slots=True)
class _Group:
    known: Known
    owners: Mapping[str, str]
    held: list[Held] = field(default_factory=list)
    links: dict[str, Link] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)

    def root(self) -> Root:
        """Return them as the core has them, as far as it matters for who is one."""
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
                    id=one.id, address="", rank_at_ms=one.since_ms, is_published=one.is_named
                )
                for one in self.held
            },
            links=self.links,
            decisions=self.decisions,
            refused=tuple(sorted(name for name in self.links if name in self.known.capped)),
        )

    def reason(self, policy: Policy, due: Sequence[Change]) -> Reason | None:
        """Return why it cannot be told what becomes of them; None where it can."""
        if not self.known.untold.isdisjoint(self.owners[one.key] for one in self.held):
            return "older_record"
        if len(self.held) > policy.identity_cap and any(one.kind == "merge" for one in due):
            return "too_many_identities"
        if due and (len(self.links) > LINKS_KEPT or len(self.decisions) > DECISIONS_KEPT):
            return "too_much_evidence"
        return None

    def concerned(self, due: Iterable[Change]) -> Iterator[str]:
        """Yield the customers of today about whom something would have been told."""
        owners = {self.owners[one.key] for one in self.held}
        yield from sorted(owners & self.known.untold)
        named = {own_id for one in due for own_id in (one.customer_id, one.other_customer_id)}
        yield from sorted(owners & named)

    def people(self) -> Iterator[frozenset[str]]:
        """Yield the keys of each customer of today."""
        keys: defaultdict[str, set[str]] = defaultdict(set)
        for one in self.held:
            keys[self.owners[one.key]].add(one.key)
        yield from map(frozenset, keys.values())

    def _is_new(self, link: Link) -> bool:
        """Say whether the link makes nobody one today."""
        return link.name not in self.known.in_force and link.rule not in FORCED_RULES

    def changes(self, parts: Partition) -> Iterator[Change]:
        """Yield who would part, and who would become one, each by the link that does it."""
        pieces = list(self._pieces(parts))
        apart: defaultdict[str, list[_Piece]] = defaultdict(list)
        together: defaultdict[str, list[_Piece]] = defaultdict(list)
        for piece in pieces:
            apart[piece.owner].append(piece)
            together[piece.component.seed.id].append(piece)
        for own in apart.values():
            if len(own) > 1:
                yield from self._parted(own, parts)
        for own in together.values():
            if len(own) > 1:
                yield from self._merged(own)

    def _pieces(self, parts: Partition) -> Iterator["_Piece"]:
        """Yield what of each customer of today would be in each of then."""
        for component in parts.components.values():
            whose: defaultdict[str, list[tuple[str, Seed]]] = defaultdict(list)
            for key, seed in component.seeds:
                whose[self.owners[key]].append((key, seed))
            for owner, seeds in whose.items():
                ids = {seed.id for _, seed in seeds}
                own_id = owner if owner in ids else seeds[0][1].id
                yield _Piece(owner, own_id, seeds[0][1].rank_at_ms, tuple(dict(seeds)), component)

    def _merged(self, pieces: Sequence["_Piece"]) -> Iterator[Change]:
        component = pieces[0].component
        sets = _Sets()
        whose: dict[str, _Piece] = {}
        for piece in pieces:
            for key in piece.keys:
                sets.join(piece.keys[0], key)
            whose[sets.of(piece.keys[0])] = piece
        for link in sorted(component.links, key=self._is_new):
            both = [whose.get(sets.of(end)) for end in (link.left, link.right)]
            if not sets.join(link.left, link.right):
                continue
            found = sorted(
                (piece for piece in both if piece is not None),
                key=lambda piece: (piece.id != component.seed.id, piece.since_ms, piece.id),
            )
            if found:
                whose[sets.of(link.left)] = found[0]
            for goes in found[1:]:
                yield self._change("merge", link, found[0].id, goes.id)

    def _parted(self, pieces: Sequence["_Piece"], parts: Partition) -> Iterator[Change]:
        """Join the pieces again by the links of today: each that does parts them."""
        sets = _Sets()
        whose: dict[str, _Piece] = {}
        for component in parts.components.values():
            for key in component.keys:
                sets.join(component.key, key)
        for piece in pieces:
            whose[sets.of(piece.keys[0])] = piece
        for link in sorted(self.links.values(), key=lambda link: (link.at_ms, link.name)):
            if link.name not in self.known.in_force:
                continue
            both = [whose.get(sets.of(end)) for end in (link.left, link.right)]
            if not sets.join(link.left, link.right):
                continue
            found = sorted(
                (piece for piece in both if piece is not None),
                key=lambda piece: (piece.id != piece.owner, piece.id),
            )
            if found:
                whose[sets.of(link.left)] = found[0]
            for goes in found[1:]:
                yield self._change("split", link, goes.owner, goes.id)

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
