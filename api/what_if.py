"""Evidence as the warehouse has it, put as the identity core weighs it.

Owns which key of the core's a key in a row is: a number that changed hands has one for each owner.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from streams.identity.evidence import Decision, Link, link_between
from streams.identity.owners import changes_owners, later_key
from streams.identity.what_if import Held, Known
from warehouse.evidence import Evidence, HeldKey

_DECLARED: Final = "self_declared"
# Of what somebody decided, where no reader knows the time: they are apart, so it was decided last.
_NEWEST_MS: Final = 2**62


def known_by_tenant(evidence: Evidence) -> dict[str, Known]:
    """Return each tenant's customers with what is known of them; of whom nothing is said, none."""
    tenants = sorted({one.tenant_id for one in evidence.keys})
    by_tenant = {tenant: Evidence([], [], [], [], []) for tenant in tenants}
    every: tuple[list[Any], ...] = evidence
    for place, rows in enumerate(every):
        for row in rows:
            if (own := by_tenant.get(row.tenant_id)) is not None:
                own[place].append(row)
    return {tenant: _Reading(tenant, own).known() for tenant, own in by_tenant.items()}


class _Reading:
    """One tenant's rows."""

    def __init__(self, tenant_id: str, evidence: Evidence) -> None:
        self.tenant_id = tenant_id
        self.evidence = evidence
        self.customers: defaultdict[str, list[Held]] = defaultdict(list)
        self.places: dict[tuple[str, str], str] = {}  # customer and key as written -> the core's
        self.newest: dict[str, tuple[str, str]] = {}  # key as written -> its last owner and key
        self.links: dict[str, Link] = {}

    def known(self) -> Known:
        self._hold()
        in_force = frozenset(self._linked())
        capped = frozenset(self._asked())
        self._claim()
        return Known(
            tenant_id=self.tenant_id,
            customers={own: tuple(held) for own, held in self.customers.items()},
            links=self.links,
            in_force=in_force,
            capped=capped,
            decisions=(*self._refusals(), *self._splits()),
        )

    def _hold(self) -> None:
        """Give every customer their keys, the first owner of a number its bare one."""
        written: defaultdict[str, list[HeldKey]] = defaultdict(list)
        for row in self.evidence.keys:
            written[row.identity_key].append(row)
        for key, rows in written.items():
            rows.sort(key=lambda row: (row.first_seen_at_ms, row.identity_id, row.customer_id))
            for number, row in enumerate(rows):
                place = key if number == 0 else _later(row)
                self.customers[row.customer_id].append(
                    Held(place, row.identity_id, row.first_seen_at_ms)
                )
                self.places.setdefault((row.customer_id, key), place)
                self.newest[key] = (row.customer_id, place)
        for held in self.customers.values():
            held.sort(key=lambda one: (one.since_ms, one.key))

    def _place(self, customer_id: str | None, key: str) -> str:
        """Return the core's key for one in a row about that customer."""
        if customer_id is not None and (place := self.places.get((customer_id, key))) is not None:
            return place
        # A number of somebody else's now, which this customer's evidence named in its own time.
        return f"{key}~{customer_id}" if customer_id is not None and key in self.newest else key

    def _add(self, one: str, other: str, *, rule: str, at_ms: int, message_id: str) -> str | None:
        if one == other:
            return None
        link = link_between(one, other, rule=rule, at_ms=at_ms, message_id=message_id, claimant=one)
        known = self.links.get(link.name)
        if known is None or at_ms < known.at_ms:
            self.links[link.name] = link
        return link.name

    def _linked(self) -> Iterable[str]:
        for row in self.evidence.links:
            name = self._add(
                self._place(row.customer_id, row.identity_key),
                self._place(row.customer_id, row.other_identity_key),
                rule=row.rule,
                at_ms=row.said_at_ms,
                message_id=row.message_id,
            )
            if name is not None:
                yield name

    def _asked(self) -> Iterable[str]:
        """Add the evidence in question; yield what the cap forbade."""
        for row in self.evidence.questions:
            name = self._add(
                self._place(row.customer_id, row.identity_key),
                self._other(row.other_customer_id, row.other_identity_key),
                rule=row.rule,
                at_ms=row.said_at_ms,
                message_id=row.message_id,
            )
            if name is not None and row.reason == "identity_cap" and row.status == "open":
                yield name

    def _other(self, customer_id: str | None, key: str) -> str:
        if customer_id is not None:
            return self._place(customer_id, key)
        _, place = self.newest.get(key, ("", key))
        return place

    def _claim(self) -> None:
        """Add what customers say of themselves, where it was not a question between two."""
        asked = {
            pair
            for row in self.evidence.questions
            if row.rule == _DECLARED
            for pair in (
                (row.customer_id, row.other_identity_key),
                (row.other_customer_id, row.identity_key),
            )
        }
        for row in self.evidence.values:
            held = self.customers.get(row.customer_id)
            if not held or (row.customer_id, row.identity_key) in asked:
                continue
            owner, place = self.newest.get(row.identity_key, ("", row.identity_key))
            if owner == row.customer_id:
                continue
            # Mostly typed into a web chat; which key of theirs it was is not told.
            speaker = min(held, key=lambda one: not one.key.startswith("webchat:"))
            self._add(speaker.key, place, rule=_DECLARED, at_ms=row.said_at_ms, message_id="")

    def _refusals(self) -> Iterable[Decision]:
        """Yield whom somebody decided to be different people, unless they are one by now."""
        for row in self.evidence.questions:
            if row.status == "refused" and row.customer_id != row.other_customer_id:
                one = self._place(row.customer_id, row.identity_key)
                other = self._other(row.other_customer_id, row.other_identity_key)
                yield Decision(left=(one,), right=(other,), at_ms=_NEWEST_MS)

    def _splits(self) -> Iterable[Decision]:
        """Yield the splits that somebody asked for: apart from each other, and where both sides
        are still those that they saw, each together.
        """
        for row in self.evidence.parted:
            sides = [
                self.customers.get(own, []) for own in (row.customer_id, row.other_customer_id)
            ]
            if not all(sides):
                continue
            left, right = (tuple(one.key for one in side) for side in sides)
            yield Decision(left=left, right=right, at_ms=_NEWEST_MS)
            seen = (
                tuple(one.key for one in side if is_whole and one.since_ms <= row.decided_at_ms)
                for side, is_whole in zip(sides, (row.is_whole, row.other_is_whole), strict=True)
            )
            left, right = seen
            yield Decision(left=left, right=right, at_ms=row.decided_at_ms, is_split=True)


def _later(row: HeldKey) -> str:
    if changes_owners(row.identity_key):
        return later_key(row.identity_key, row.first_seen_at_ms)
    return f"{row.identity_key}~{row.identity_id}"
