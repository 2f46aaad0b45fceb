"""Suggestions: the evidence that does not link by itself, put before somebody to decide."""

from collections.abc import Iterator, Mapping

import msgspec

from streams.contracts.suggestions import LinkSuggestion, SuggestionStatus
from streams.identity.evidence import FORCED_RULES, suggestion_id
from streams.identity.instants import to_datetime
from streams.identity.partition import Partition, Question
from streams.identity.state import Root


def suggestion_changes(
    root: Root,
    after: Partition,
    told: Mapping[str, LinkSuggestion],
    current: Mapping[str, LinkSuggestion],
) -> Iterator[LinkSuggestion]:
    """Yield the suggestions that are new or changed, and how those ended that are open no more."""
    for own_id, suggestion in current.items():
        known = told.get(own_id)
        if known is None or msgspec.structs.replace(known, version=root.version) != suggestion:
            yield suggestion
    for own_id, suggestion in told.items():
        if own_id not in current:
            ending = _ending(root, after, suggestion)
            yield msgspec.structs.replace(suggestion, status=ending, version=root.version)


def open_suggestions(root: Root, parts: Partition) -> Iterator[LinkSuggestion]:
    """Yield what there is to decide between two customers."""
    for question in parts.questions:
        suggestion = _suggestion(root, parts, question)
        if suggestion is not None:
            yield suggestion


def _suggestion(root: Root, parts: Partition, question: Question) -> LinkSuggestion | None:
    """Return the question with both customers; None where one end is nobody, or tells of it."""
    link, reason = question
    left, right = parts.of_key(link.left), parts.of_key(link.right)
    ours, our_key = (left, link.left) if left else (right, link.right)
    if ours is None:
        return None
    other = right if ours is left else None
    other_key = link.other(our_key)
    other_id = other.seed.id if other else None
    if other_id is None:
        # Another root holds the other end: it is a person if it was the one to speak.
        if link.claimant != other_key or not link.claimant_id:
            return None
        other_id = link.claimant_id
    return LinkSuggestion(
        id=suggestion_id(root.tenant_id, link),
        tenant_id=root.tenant_id,
        status="open",
        reason=reason,
        rule=link.rule,
        level=link.level,
        customer_id=ours.seed.id,
        identity_key=our_key,
        other_customer_id=other_id,
        other_identity_key=other_key,
        message_id=link.message_id,
        said_at=to_datetime(link.at_ms),
        version=root.version,
    )


def _ending(root: Root, after: Partition, suggestion: LinkSuggestion) -> SuggestionStatus:
    ours, theirs = suggestion.identity_key, suggestion.other_identity_key
    owner = after.of_key(ours)
    if owner is not None and theirs in owner.keys:
        pair = {ours, theirs}
        forced = any(
            link.rule in FORCED_RULES and {link.left, link.right} == pair for link in owner.links
        )
        return "confirmed" if forced else "settled"
    for decision in root.decisions.values():
        sides = (decision.left, decision.right)
        if any(ours in one and theirs in other for one, other in (sides, sides[::-1])):
            return "refused"
    return "withdrawn"
