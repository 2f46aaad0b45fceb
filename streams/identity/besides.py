"""What is known about customers besides what makes them one: links that do not, and decisions.

Owns whose record tells which of it. All that a root knows is told once at least, so that whoever
reads every record can weigh the evidence anew.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from streams.identity.evidence import Decision, Link
from streams.identity.owners import bare_key, since_of
from streams.identity.state import Root


class Beside(msgspec.Struct, frozen=True, gc=False):
    """One customer's part of it. A link may also be among those that make it one, where those are
    told by the bare number: of a number with several owners.
    """

    links: tuple[Link, ...] = ()
    decisions: tuple[tuple[str, Decision], ...] = ()


def is_all_told(root: Root, linking: Collection[Link]) -> bool:
    """Say whether the links that make customers one are all that there is to tell: the usual."""
    is_more = root.decisions or root.refused or root.boundaries
    return not is_more and len(linking) == len(root.links)


def besides(
    root: Root, places: Mapping[str, int], linking: Collection[Link]
) -> Mapping[int, Beside]:
    """Return what each customer's record tells. `places` has the customer of every key that is
    somebody's.
    """
    if not places:
        return {}
    links: defaultdict[int, list[Link]] = defaultdict(list)
    decisions: defaultdict[int, list[tuple[str, Decision]]] = defaultdict(list)
    for place, link in _links(root, places, linking):
        links[place].append(link)
    for name, decision in root.decisions.items():
        for place in _places_of((*decision.left, *decision.right), places):
            decisions[place].append((name, decision))
    return {
        place: Beside(
            tuple(sorted(links[place], key=lambda link: (link.at_ms, link.name))),
            tuple(sorted(decisions[place], key=lambda item: (item[1].at_ms, item[0]))),
        )
        for place in links.keys() | decisions.keys()
    }


def of_one_key(root: Root) -> Beside | None:
    """Return what the only customer of a root of one key and no links tells: mostly nothing."""
    if not root.decisions:
        return None
    decided = sorted(root.decisions.items(), key=lambda item: (item[1].at_ms, item[0]))
    return Beside((), tuple(decided))


def _links(
    root: Root, places: Mapping[str, int], linking: Collection[Link]
) -> Iterator[tuple[int, Link]]:
    told = {link.name for link in linking}
    refused = set(root.refused)
    keys = {*root.seeds, *(end for k in linking for end in (k.left, k.right))}
    numbers = {bare_key(key) for key in keys if since_of(key)} if root.boundaries else set()
    for name, link in root.links.items():
        is_linking = name in told
        is_of_several = bool(numbers) and not numbers.isdisjoint(map(bare_key, _ends(link)))
        if is_linking and name not in refused and not is_of_several:
            continue
        if is_linking or name in refused or not link.claimant_id:
            yield _places_of(_ends(link), places)[0], link
        elif link.claimant in root.seeds:
            yield _places_of((link.claimant, *_ends(link)), places)[0], link
        # Else the root of whoever said it tells it: so a value that many claim is no long record.


def _ends(link: Link) -> tuple[str, str]:
    return link.left, link.right


def _places_of(keys: Iterable[str], places: Mapping[str, int]) -> list[int]:
    """Return whose the keys are; where they are nobody's, somebody who may tell of it."""
    found = dict.fromkeys(places[key] for key in keys if key in places)
    return list(found) or [places[min(places)]]
