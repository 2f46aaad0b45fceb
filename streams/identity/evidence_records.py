"""What a customer's record tells of evidence, beside the links that make it one person."""

from datetime import datetime

from msgspec import UNSET, UnsetType

from streams.contracts.customers import (
    CustomerDecision,
    CustomerEvidence,
    LaterOwner,
    UnlinkedEvidence,
)
from streams.identity.besides import Beside
from streams.identity.evidence import Decision, Link
from streams.identity.instants import to_datetime
from streams.identity.owners import since_of
from streams.identity.partition import Component
from streams.identity.state import Root


def evidence_record(root: Root, component: Component) -> CustomerEvidence | UnsetType:
    """Return it; unset where there is none."""
    beside = component.beside
    ranked_at = _ranked_at(component)
    if beside is None and not root.boundaries and not ranked_at:
        return UNSET
    beside = beside or Beside()
    evidence = CustomerEvidence(
        links=tuple(_link(link, is_capped=link.name in root.refused) for link in beside.links),
        decisions=tuple(_decision(name, decision) for name, decision in beside.decisions),
        later_owners=tuple(
            LaterOwner(identity_id=seed.id, identity_key=key)
            for key, seed in component.seeds
            if since_of(key)
        ),
        changed_hands={
            key: tuple(map(to_datetime, root.boundaries[seed.address]))
            for key, seed in component.seeds
            if seed.address in root.boundaries
        },
        ranked_at=ranked_at,
    )
    return UNSET if evidence == CustomerEvidence() else evidence


def _ranked_at(component: Component) -> dict[str, datetime]:
    """Return how old the keys count as that were seen earlier, or later, than that says."""
    identities, seeds = component.identities, component.seeds
    if len(seeds) == 1 and len(identities) == 1:  # the usual customer
        seed = seeds[0][1]
        if seed.rank_at_ms == identities[0][1].first_seen_at_ms:
            return {}
    first: dict[str, int] = {}
    for _, identity in identities:
        key, at_ms = identity.identity_key, identity.first_seen_at_ms
        first[key] = min(first.get(key, at_ms), at_ms)
    return {
        seed.id: to_datetime(seed.rank_at_ms)
        for key, seed in seeds
        if first.get(key) != seed.rank_at_ms
    }


def _link(link: Link, *, is_capped: bool) -> UnlinkedEvidence:
    return UnlinkedEvidence(
        identity_key=link.left,
        other_identity_key=link.right,
        rule=link.rule,
        said_at=to_datetime(link.at_ms),
        message_id=link.message_id,
        said_of=link.claimant or None,
        is_capped=is_capped,
    )


def _decision(name: str, decision: Decision) -> CustomerDecision:
    return CustomerDecision(
        command_id=name,
        decided_at=to_datetime(decision.at_ms),
        identity_keys=decision.left,
        other_identity_keys=decision.right,
        is_split=decision.is_split,
    )
