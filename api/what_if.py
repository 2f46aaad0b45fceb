"""Evidence as the warehouse has it, put as the identity core weighs it.

Owns which key of the core's a key in a row is: a number that changed hands has one for each owner.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from streams.contracts.customers import CustomerEvidence
from streams.identity.evidence import FORCED_RULES, Decision, Link, link_between
from streams.identity.instants import to_ms
from streams.identity.owners import bare_key, later_key, since_of
from streams.identity.what_if import Held, Known
from warehouse.evidence import Evidence, HeldKey, Question, SaidLink

_evidence: Final = msgspec.json.Decoder(CustomerEvidence)
_NONE: Final = CustomerEvidence()


def known_by_tenant(evidence: Evidence) -> dict[str, Known]:
    """Return each tenant's customers with what is known of them; of whom nothing is said, none."""
    tenants = sorted({one.tenant_id for one in evidence.keys})
    by_tenant = {tenant: Evidence([], [], [], []) for tenant in tenants}
    every: tuple[list[Any], ...] = evidence
    for place, rows in enumerate(every):
        for row in rows:
            if (own := by_tenant.get(row.tenant_id)) is not None:
                own[place].append(row)
    return {tenant: _Reading(tenant, own).known() for tenant, own in by_tenant.items()}


@dataclass(slots=True)
class _Reading:
    """One tenant's rows; `besides` is what else each customer's record tells, `changed_hands` since
    when a number was each of its later owners'.
    """

    tenant_id: str
    evidence: Evidence
    besides: dict[str, CustomerEvidence] = field(default_factory=dict)
    changed_hands: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    links: dict[str, Link] = field(default_factory=dict)
    pairs: set[frozenset[str]] = field(default_factory=set)  # of keys as rows have them

    def known(self) -> Known:
        for row in self.evidence.besides:
            self.besides[row.customer_id] = _evidence.decode(row.evidence)
        self._read_owners()
        customers = self._customers()
        in_force = set(self._linked())
        capped = set()
        for name, is_in_force, is_capped in self._beside():
            in_force |= {name} if is_in_force else set()
            capped |= {name} if is_capped else set()
        return Known(
            tenant_id=self.tenant_id,
            customers=customers,
            links=self.links,
            in_force=frozenset(in_force),
            capped=frozenset(capped),
            decisions=dict(self._decisions()),
            untold=frozenset(self._untold()),
        )

    def _read_owners(self) -> None:
        for told in self.besides.values():
            for key, instants in told.changed_hands.items():
                self.changed_hands[bare_key(key)].update(map(to_ms, instants))
            ends = (end for k in told.links for end in (k.identity_key, k.other_identity_key))
            for key in (*(one.identity_key for one in told.later_owners), *ends):
                if since_ms := since_of(key):
                    self.changed_hands[bare_key(key)].add(since_ms)

    def _customers(self) -> dict[str, tuple[Held, ...]]:
        customers: defaultdict[str, list[Held]] = defaultdict(list)
        for row in self.evidence.keys:
            key = self._key(row)
            ranked_at = self.besides.get(row.customer_id, _NONE).ranked_at.get(row.identity_id)
            since_ms = row.first_seen_at_ms if ranked_at is None else to_ms(ranked_at)
            customers[row.customer_id].append(Held(key, row.identity_id, since_ms, row.is_named))
        return {
            own_id: tuple(sorted(held, key=lambda one: (one.since_ms, one.key)))
            for own_id, held in customers.items()
        }

    def _key(self, row: HeldKey) -> str:
        later = self.besides.get(row.customer_id, _NONE).later_owners
        found = (one.identity_key for one in later if one.identity_id == row.identity_id)
        return next(found, row.identity_key)

    def _linked(self) -> Iterator[str]:
        """Add what makes customers one; yield the names of it."""
        for row in self.evidence.links:
            if not self._is_of_several(row):
                yield self._add(
                    link_between(
                        row.identity_key,
                        row.other_identity_key,
                        rule=row.rule,
                        at_ms=row.said_at_ms,
                        message_id=row.message_id,
                        claimant=row.identity_key,
                    )
                )

    def _is_of_several(self, row: SaidLink) -> bool:
        """Say whether one end is a number of several owners: then all else that the customer's
        record tells has the link, with the owners' own keys.
        """
        later = self.besides.get(row.customer_id, _NONE).later_owners
        numbers = {bare_key(one.identity_key) for one in later}
        return not numbers.isdisjoint((row.identity_key, row.other_identity_key))

    def _beside(self) -> Iterator[tuple[str, bool, bool]]:
        """Add the other evidence; yield the name of each, whether it makes somebody one person all
        the same (`_is_of_several`), and whether the cap forbade it.
        """
        making_one = {
            (row.customer_id, row.identity_key, row.other_identity_key, row.rule, row.message_id)
            for row in self.evidence.links
        }
        for own_id, told in self.besides.items():
            for one in told.links:
                name = self._add(
                    link_between(
                        one.identity_key,
                        one.other_identity_key,
                        rule=one.rule,
                        at_ms=to_ms(one.said_at),
                        message_id=one.message_id,
                        claimant=one.said_of or "",
                    )
                )
                ends = bare_key(one.identity_key), bare_key(one.other_identity_key)
                is_in_force = (own_id, *ends, one.rule, one.message_id) in making_one
                yield name, is_in_force, one.is_capped

    def _add(self, link: Link) -> str:
        """Note the link between those who had the keys when it was said; return its name."""
        self.pairs.add(frozenset(map(bare_key, (link.left, link.right))))
        if link.rule not in FORCED_RULES:
            ends = [self._owner_key(link, end) for end in (link.left, link.right)]
            claimant = ends[0] if link.claimant == link.left else ends[1] if link.claimant else ""
            link = msgspec.structs.replace(link, left=min(ends), right=max(ends), claimant=claimant)
        known = self.links.get(link.name)
        if known is None or (link.at_ms, link.message_id) < (known.at_ms, known.message_id):
            self.links[link.name] = link
        return link.name

    def _owner_key(self, link: Link, key: str) -> str:
        is_meant = link.rule == "agent_value" and key == link.claimant
        if is_meant or bare_key(key) not in self.changed_hands:
            return key
        earlier = (at_ms for at_ms in self.changed_hands[bare_key(key)] if at_ms <= link.at_ms)
        since_ms = max(earlier, default=0)
        return later_key(key, since_ms) if since_ms else bare_key(key)

    def _decisions(self) -> Iterator[tuple[str, Decision]]:
        for told in self.besides.values():
            for one in told.decisions:
                decision = Decision(
                    left=one.identity_keys,
                    right=one.other_identity_keys,
                    at_ms=to_ms(one.decided_at),
                    is_split=one.is_split,
                )
                yield one.command_id, decision

    def _untold(self) -> Iterator[str]:
        """Yield the customers about whom there is a question that no record of theirs tells of:
        one that was written before records told evidence.
        """
        for row in self.evidence.questions:
            pair = frozenset(map(bare_key, (row.identity_key, row.other_identity_key)))
            if pair not in self.pairs:
                yield from _asked(row)


def _asked(row: Question) -> Iterable[str]:
    return (own_id for own_id in (row.customer_id, row.other_customer_id) if own_id is not None)
