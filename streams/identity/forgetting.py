"""What an erasure leaves of a root: nothing of the person of that time, everything of others."""

from collections.abc import Mapping

import msgspec

from streams.identity.addresses import Addresses
from streams.identity.state import Erased, Root


def joined_erased(one: Mapping[str, Erased], other: Mapping[str, Erased]) -> Mapping[str, Erased]:
    """Return both, of each address the later mark; the same object where nothing is new."""
    if not other:
        return one
    result = dict(one)
    for address, erased in other.items():
        known = result.get(address)
        if known is None:
            result[address] = erased
        else:
            result[address] = Erased(max(known.at_ms, erased.at_ms), max(known.epoch, erased.epoch))
    return result


def forget(root: Root, erased: Mapping[str, Erased], addresses: Addresses) -> Root:
    """Return the root without anything of what was erased; what came after is left."""
    keys = {
        *root.seeds,
        *root.edits,
        *(end for link in root.links.values() for end in (link.left, link.right)),
        *(end for decision in root.decisions.values() for end in (*decision.left, *decision.right)),
    }
    gone: dict[str, Erased] = {}
    for key in keys:
        seed = root.seeds.get(key)
        address = seed.address if seed else addresses.node(root.tenant_id, key)
        if (mark := erased.get(address)) is not None:
            gone[key] = mark
    if not gone:
        return msgspec.structs.replace(root, erased=erased)

    def is_past(key: str, epoch: int) -> bool:
        return key in gone and epoch < gone[key].epoch

    def is_over(key: str, at_ms: int) -> bool:
        return key in gone and at_ms <= gone[key].at_ms

    links = {
        name: link
        for name, link in root.links.items()
        if not is_over(link.left, link.at_ms) and not is_over(link.right, link.at_ms)
    }
    return msgspec.structs.replace(
        root,
        identities={
            name: identity
            for name, identity in root.identities.items()
            if not is_past(identity.identity_key, identity.epoch)
        },
        seeds={key: seed for key, seed in root.seeds.items() if not is_past(key, seed.epoch)},
        links=links,
        decisions={
            name: kept
            for name, decision in root.decisions.items()
            if (
                kept := msgspec.structs.replace(
                    decision,
                    left=tuple(k for k in decision.left if not is_over(k, decision.at_ms)),
                    right=tuple(k for k in decision.right if not is_over(k, decision.at_ms)),
                )
            ).left
            or kept.right
        },
        edits={key: edits for key, edits in root.edits.items() if not is_past(key, edits.epoch)},
        refused=tuple(name for name in root.refused if name in links),
        erased=erased,
    )
