"""Which identities of a root are one customer: a pure function of all that is known of them.

Evidence is weighed as a whole, not as it came: decisions first (the newest wins), then what the
policy lets link and no guard forbids: what makes an account, then what accounts share, the oldest
first. So the order of arrival decides nothing, and taking a link away leaves exactly what would
have been without it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

from streams.contracts.suggestions import Reason
from streams.identity.besides import Beside, besides, is_all_told
from streams.identity.besides import of_one_key as beside_one_key
from streams.identity.evidence import FORCED_RULES, Decision, Link
from streams.identity.policy import Policy
from streams.identity.state import Edits, IdentityState, Root, Seed

# One platform account may change its number many times; its pairs say nothing of sharing.
_UNCOUNTED_RULES: Final = FORCED_RULES | {
    "same_account",
    "account_moved",
    "phone_variant",
    "agent_value",
}
# What makes an account: weighed before what accounts say of themselves, whenever it came.
_ACCOUNT_RULES: Final = frozenset({"same_account", "account_moved", "signed_reference"})
_SHOWN: Final = "same_account"
_DEVICES: Final = "webchat"
_REFERENCE: Final = "reference"


# By name, in the root's order.
Identities = tuple[tuple[str, IdentityState], ...]


class Component(msgspec.Struct, frozen=True, gc=False):
    """One customer: its seed names it. `links` made it one; `claims` are only said of it;
    `beside` is what else its record tells of evidence.
    """

    key: str
    seed: Seed
    identities: Identities
    seeds: tuple[tuple[str, Seed], ...]
    keys: frozenset[str]
    links: tuple[Link, ...] = ()
    claims: tuple[Link, ...] = ()
    edits: tuple[Edits, ...] = ()
    beside: Beside | None = None


class Question(NamedTuple):
    """Evidence that does not link by itself, for somebody to decide."""

    link: Link
    reason: Reason


class Partition(msgspec.Struct, frozen=True, gc=False):
    """A root's customers by id; what keeps others apart from them; which values are shared."""

    components: Mapping[str, Component]
    questions: tuple[Question, ...] = ()
    shared: frozenset[str] = frozenset()

    def of_key(self, key: str) -> Component | None:
        """Return the customer that the key belongs to."""
        for component in self.components.values():
            if key in component.keys:
                return component
        return None


EMPTY: Final = Partition({})


def moved_on(parts: Partition, root: Root) -> Partition:
    """Return the root's customers where only identities have moved on since `parts`: the same
    keys, links and decisions make the same customers.
    """
    identities = root.identities
    components: dict[str, Component] = {}
    for own_id, component in parts.components.items():
        now = tuple([(name, identities[name]) for name, _ in component.identities])
        is_same = all(
            one is other for (_, one), (_, other) in zip(component.identities, now, strict=True)
        )
        components[own_id] = (
            component if is_same else msgspec.structs.replace(component, identities=now)
        )
    return Partition(components, parts.questions, parts.shared)


def partition(root: Root, policy: Policy) -> Partition:
    """Return the customers of the root."""
    if is_one_key(root):
        alone = of_one_key(root)
        return Partition({alone.seed.id: alone})
    return _Weighing(root, policy).result()


def is_one_key(root: Root) -> bool:
    """Say whether nothing was ever said to be the same person: the root is one customer."""
    return len(root.seeds) == 1 and not root.links


def of_one_key(root: Root) -> Component:
    """Return the only customer of a root of one key (`is_one_key`): the usual one."""
    ((key, seed),) = root.seeds.items()
    return Component(
        key,
        seed,
        tuple(root.identities.items()),
        tuple(root.seeds.items()),
        frozenset(root.seeds),
        edits=tuple(root.edits.values()),
        beside=beside_one_key(root),
    )


def is_one_claimed_key(root: Root, policy: Policy) -> bool:
    """Say whether the root is one customer of one key, and what is said of it besides links nobody
    under the policy.
    """
    return (
        len(root.seeds) == 1
        and not root.decisions
        and all(policy.verdict(link.rule) != "link" for link in root.links.values())
    )


def of_one_claimed_key(root: Root, policy: Policy) -> Component:
    """Return the only customer of such a root (`is_one_claimed_key`)."""
    (key,) = root.seeds
    claims = [
        link
        for link in root.links.values()
        if link.claimant == key and policy.verdict(link.rule) == "suggest"
    ]
    return msgspec.structs.replace(
        of_one_key(root),
        claims=tuple(sorted(claims, key=_weight)),
        edits=(root.edits[key],) if key in root.edits else (),
        beside=besides(root, {key: 0}, ()).get(0),
    )


class _Weighing:
    """Links weighed one after the other; `members` holds the component of every key."""

    def __init__(self, root: Root, policy: Policy) -> None:
        self.root = root
        self.policy = policy
        self.members: dict[str, set[str]] = {key: {key} for key in root.seeds}
        self.effective: list[Link] = []
        self.claims: list[Link] = []
        self.questions: list[Question] = []
        self.shown_with: dict[tuple[str, ...], str] = {}  # the account of a number, by its space
        for link in root.links.values():
            for end in (link.left, link.right):
                self.members.setdefault(end, {end})

    def result(self) -> Partition:
        self._decide()
        self._weigh()
        return Partition(
            {component.seed.id: component for component in self._components()},
            tuple(self._open(self.questions)),
            self.shared,
        )

    def _decide(self) -> None:
        """Put together what somebody put together, the newest decision first."""
        together: list[tuple[int, str, str, str, Link | None]] = [
            (link.at_ms, link.name, link.left, link.right, link)
            for link in self.root.links.values()
            if link.rule in FORCED_RULES
        ]
        for name, decision in self.root.decisions.items():
            if decision.is_split:
                for side in (decision.left, decision.right):
                    together += [
                        (decision.at_ms, name, one, other, None) for one, other in pairwise(side)
                    ]
        together.sort(key=lambda item: item[:4], reverse=True)
        for at_ms, _, one, other, link in together:
            if one not in self.members or other not in self.members:
                continue  # a key of a split that was erased since
            if self._is_apart(one, other, since_ms=at_ms):
                continue
            self._join(one, other)
            if link is not None:
                self.effective.append(link)

    def _weigh(self) -> None:
        """Put together what evidence does under the policy: what makes an account, then what
        accounts share, the oldest first.
        """
        rules = {link.rule: self.policy.verdict(link.rule) for link in self.root.links.values()}
        weighed = [
            link
            for link in self.root.links.values()
            if link.rule not in FORCED_RULES and rules[link.rule] != "ignore"
        ]
        weighed.sort(key=_weight)
        self.shared = _shared(weighed, self.policy)
        for link in weighed:
            if rules[link.rule] == "suggest":
                self.claims.append(link)
            elif link.name in self.root.refused and not self._is_one(link):
                self.questions.append(Question(link, "identity_cap"))
            elif link.left in self.shared or link.right in self.shared:
                self.claims.append(link)
            elif self._is_one(link):
                self._take(link)
            elif self._is_apart(link.left, link.right):
                pass
            elif (reason := self._forbidden(link)) is not None:
                self.questions.append(Question(link, reason))
            else:
                self._take(link)
        for link in self.claims:
            if not self._is_one(link) and not self._is_apart(link.left, link.right):
                self.questions.append(Question(link, "claimed"))

    def _take(self, link: Link) -> None:
        """Have the link make its ends one."""
        self._join(link.left, link.right)
        self.effective.append(link)
        for place, account in _shown(link):
            self.shown_with.setdefault(place, account)

    def _is_one(self, link: Link) -> bool:
        return self.members[link.left] is self.members[link.right]

    def _join(self, one: str, other: str) -> None:
        small, large = sorted((self.members[one], self.members[other]), key=len)
        if small is not large:
            large |= small
            for key in small:
                self.members[key] = large

    def _is_apart(self, one: str, other: str, since_ms: int = -1) -> bool:
        """Say whether somebody decided after `since_ms` that the two are different people."""
        ours, theirs = self.members[one], self.members[other]
        return ours is not theirs and any(
            decision.at_ms > since_ms and _separates(decision, ours, theirs)
            for decision in self.root.decisions.values()
        )

    def _forbidden(self, link: Link) -> Reason | None:
        """Say why the two must not become one by evidence alone; None where they may."""
        if self._differ(link):
            return "different_references"
        if self._is_with_another(link):
            return "different_accounts"
        return None

    def _differ(self, link: Link) -> bool:
        """Say whether the business itself knows the two as different people."""
        ours = _references(self.members[link.left])
        theirs = _references(self.members[link.right])
        return bool(ours and theirs and ours != theirs)

    def _is_with_another(self, link: Link) -> bool:
        """Say whether the platform showed the number with another account before, and has not said
        that one became the other: the number was given to somebody else.
        """
        return any(
            (known := self.shown_with.get(place)) is not None
            and self.members[known] is not self.members[account]
            for place, account in _shown(link)
        )

    def _open(self, questions: Iterable[Question]) -> Iterable[Question]:
        """Yield the questions worth asking: one for two keys, and of no shared value."""
        asked: set[tuple[str, str]] = set()
        for question in questions:
            link = question.link
            if link.left in self.shared or link.right in self.shared or self._is_one(link):
                continue
            asking = link.claimant, link.other(link.claimant)
            if asking not in asked:
                asked.add(asking)
                yield question

    def _components(self) -> Iterable[Component]:
        seeds: defaultdict[int, list[tuple[str, Seed]]] = defaultdict(list)
        identities: defaultdict[int, list[tuple[str, IdentityState]]] = defaultdict(list)
        links: defaultdict[int, list[Link]] = defaultdict(list)
        claims: defaultdict[int, list[Link]] = defaultdict(list)
        for key, seed in self.root.seeds.items():
            seeds[id(self.members[key])].append((key, seed))
        for name, identity in self.root.identities.items():
            identities[id(self.members[identity.identity_key])].append((name, identity))
        for link in self.effective:
            links[id(self.members[link.left])].append(link)
        for link in self.claims:
            if link.claimant in self.members and not self._is_one(link):
                claims[id(self.members[link.claimant])].append(link)
        beside: Mapping[int, Beside] = {}
        if not is_all_told(self.root, self.effective):
            kept = seeds.keys() & identities.keys()
            places = {key: id(own) for key, own in self.members.items() if id(own) in kept}
            beside = besides(self.root, places, self.effective)
        for place, own in seeds.items():
            if place not in identities:
                continue
            # Whom the world knows keeps the name; of several, the oldest.
            own.sort(key=lambda item: (not item[1].is_published, item[1].rank_at_ms, item[0]))
            key, seed = own[0]
            yield Component(
                key,
                seed,
                tuple(identities[place]),
                tuple(own),
                frozenset(self.members[key]),
                tuple(sorted(links[place], key=lambda link: (link.at_ms, link.name))),
                tuple(claims[place]),
                # Also what was said of an id that only evidence names, such as a contact's number.
                tuple(
                    edits
                    for key, edits in self.root.edits.items()
                    if key in self.members[own[0][0]]
                ),
                beside.get(place),
            )


def _separates(decision: Decision, ours: set[str], theirs: set[str]) -> bool:
    left, right = decision.left, decision.right
    return (not ours.isdisjoint(left) and not theirs.isdisjoint(right)) or (
        not ours.isdisjoint(right) and not theirs.isdisjoint(left)
    )


def _weight(link: Link) -> tuple[bool, int, str, str, str]:
    return (link.rule not in _ACCOUNT_RULES, link.at_ms, link.left, link.right, link.rule)


def _references(keys: Iterable[str]) -> set[str]:
    return {key for key in keys if kind_of(key) == _REFERENCE}


def _shown(link: Link) -> Iterable[tuple[tuple[str, ...], str]]:
    """Yield the account that the platform shows with a number, and the space in which a number has
    one: what else `same_account` ties has as many as it likes.
    """
    if link.rule != _SHOWN:
        return
    for number, account in ((link.left, link.right), (link.right, link.left)):
        kind, _, rest = account.partition(":")
        if kind_of(number) != "phone" or kind not in {"lid", "bsuid"}:
            continue
        scope, _, user_id = rest.rpartition(":")
        yield (number, kind, scope, "parent" if ".ENT." in user_id else "own"), account


def kind_of(key: str) -> str:
    """Return what sort of id a key is: phone, email, telegram, …"""
    return key.partition(":")[0]


def _shared(links: Iterable[Link], policy: Policy) -> frozenset[str]:
    """Return the keys that too many accounts of one kind claim to be all one person's."""
    claimed_by: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for link in links:
        if link.rule not in _UNCOUNTED_RULES:
            for key in (link.left, link.right):
                other = link.other(key)
                claimed_by[key, kind_of(other)].add(other)
    return frozenset(
        key
        for (key, kind), others in claimed_by.items()
        if len(others) > (policy.shared_after_devices if kind == _DEVICES else policy.shared_after)
        and kind_of(key) != _REFERENCE
    )
