"""Links and decisions: what says that two identity keys are one person, or that they are not.

Both only ever accumulate; what they make of a customer is `partition`'s business.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from streams.contracts.customers import Level
from streams.identity.ids import Namespace

_SUGGESTIONS: Final = Namespace("link-suggestion")

# Somebody decided: these link whatever the policy and its guards say.
FORCED_RULES: Final = frozenset({"agent_merge", "suggestion_confirmed"})
_CLAIMED_RULES: Final = frozenset({"self_declared", "phone_variant"})
# More links than this say nothing more about a customer: what somebody decided is kept, and the
# oldest of the rest (the join keeps the oldest of each, so only these can be kept in any order).
LINKS_KEPT: Final = 400
DECISIONS_KEPT: Final = 100


class Link(msgspec.Struct, frozen=True, gc=False, array_like=True, kw_only=True):
    """First evidence of one rule that two keys, `left` < `right`, are one person.

    `message_id` is the message's or the command's. `claimant` is the key that it was said of,
    `claimant_id` its customer as told then: how a key that learns of the link names the other.
    """

    left: str
    right: str
    rule: str
    at_ms: int
    message_id: str
    channel_id: str = ""
    said_by: str = ""
    claimant: str = ""
    claimant_id: str = ""

    @property
    def name(self) -> str:
        """Return what no two links of a customer share; keys hold no control characters.

        Who decides twice decides anew: such a link is named by its command too.
        """
        name = link_name(self.left, self.right, self.rule)
        return f"{name}\t{self.message_id}" if self.rule in FORCED_RULES else name

    @property
    def level(self) -> Level:
        """Return whether somebody stands for it."""
        return "claimed" if self.rule in _CLAIMED_RULES else "attested"

    def other(self, key: str) -> str:
        """Return the end that is not `key`."""
        return self.right if key == self.left else self.left


class Decision(msgspec.Struct, frozen=True, gc=False, array_like=True, kw_only=True):
    """A split or a refusal: evidence never joins the two sides.

    After a split each side stays together (`is_split`): somebody saw the two as they are.
    """

    left: tuple[str, ...]
    right: tuple[str, ...]
    at_ms: int
    is_split: bool = False


def link_name(left: str, right: str, rule: str) -> str:
    """Return what evidence of this rule for these ends is known by; a decision's name is longer."""
    return f"{left}\t{right}\t{rule}"


def link_between(one: str, other: str, **what: str | int) -> Link:
    """Return the link, its ends in order."""
    left, right = sorted((one, other))
    return Link(left=left, right=right, **what)  # type: ignore[arg-type]


def earlier_link(one: Link, other: Link) -> Link:
    """Return the first evidence of the two."""
    if one is other:
        return one
    return min(one, other, key=_order)


def _order(link: Link) -> tuple[int | str, ...]:
    return (link.at_ms, link.message_id, link.channel_id, link.said_by, link.claimant_id)


def joined_links(one: Mapping[str, Link], other: Mapping[str, Link]) -> Mapping[str, Link]:
    """Return both, the first evidence of each; the same object where nothing is new."""
    result: dict[str, Link] | None = None
    for name, link in other.items():
        known = one.get(name)
        if known is not None and (known is link or earlier_link(known, link) == known):
            continue
        result = dict(one) if result is None else result
        result[name] = link
    if result is None:
        return one
    if len(result) > LINKS_KEPT:
        ordered = sorted(
            result.items(),
            key=lambda item: (item[1].rule not in FORCED_RULES, _order(item[1]), item[0]),
        )
        result = dict(ordered[:LINKS_KEPT])
        if result == one:
            return one
    return result


def joined_decisions(
    one: Mapping[str, Decision], other: Mapping[str, Decision]
) -> Mapping[str, Decision]:
    """Return both; the same object where nothing is new. A command decides once."""
    if all(name in one for name in other):
        return one
    result = {**other, **one}
    kept = sorted(result.items(), key=lambda item: (item[1].at_ms, item[0]))[-DECISIONS_KEPT:]
    return dict(kept)


def suggestion_id(tenant_id: str, link: Link) -> str:
    """Return the id of the question whether the claimant is also the other end.

    It has a direction, so that one root tells of it: that of the end that was claimed.
    """
    return _SUGGESTIONS.id_of(f"{tenant_id}\t{link.claimant}\t{link.other(link.claimant)}")
