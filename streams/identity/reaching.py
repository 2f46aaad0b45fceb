"""Whom a root has something to say to: index nodes of its ids, and the far ends of its links."""

from collections.abc import Iterator

import msgspec

from streams.identity.addresses import Addresses, index_address
from streams.identity.evidence import Link
from streams.identity.operations import Index, Operation, Relate, Union
from streams.identity.partition import Partition
from streams.identity.policy import Policy
from streams.identity.state import Root

Addressed = tuple[str, Operation]


def ways_to(root: Root, told: Root | None) -> Iterator[Addressed]:
    """Yield the way for the index node of each id that is new since `told`."""
    known = told.seeds if told else {}
    if root.seeds is known:
        return
    for key, seed in root.seeds.items():
        if key not in known or known[key].id != seed.id:
            yield index_address(root.tenant_id, seed.id), Index(to=seed.address)


def published(root: Root, parts: Partition) -> Root:
    """Return the root noting which ids the world knows from now on."""
    new = {
        c.key: msgspec.structs.replace(c.seed, is_published=True)
        for c in parts.components.values()
        if not c.seed.is_published
    }
    if not new:
        return root
    return msgspec.structs.replace(root, seeds={**root.seeds, **new})


def reach(
    root: Root, address: str, policy: Policy, addresses: Addresses
) -> tuple[Root, list[Addressed]]:
    """Return what to tell the nodes at the far ends of links, each once, and the root, which is
    at `address`, noting that they were told.
    """
    operations: list[Addressed] = []
    if not root.links:
        return root, operations
    asked = set(root.asked)
    for link in root.links.values():
        verdict = policy.verdict(link.rule)
        if verdict == "suggest" and link.claimant:
            # Earlier evidence may say it of the other end: whoever was told before is to be told
            # anew should it turn once more, or each side waits for the other to ask.
            asked.discard(_note(root, link, link.claimant, addresses))
        for end in (link.left, link.right):
            if end in root.seeds or verdict == "ignore":
                continue
            there = addresses.node(root.tenant_id, end)
            if there == address or (verdict == "suggest" and end == link.claimant):
                continue
            note = there if verdict == "link" else _note(root, link, end, addresses)
            if note not in asked:
                asked.add(note)
                operations.append((there, _told(root, address, link, is_union=note == there)))
    if not operations and len(asked) == len(root.asked):
        return root, operations
    return msgspec.structs.replace(root, asked=tuple(sorted(asked))), operations


def _told(root: Root, address: str, link: Link, *, is_union: bool) -> Operation:
    """Return what the far end is told of: a link that makes two roots one, or one to ask about."""
    if is_union:
        return Union(tenant_id=root.tenant_id, other=address, link=link)
    return Relate(tenant_id=root.tenant_id, at_ms=link.at_ms, links=(link,))


def _note(root: Root, link: Link, end: str, addresses: Addresses) -> str:
    """Return what notes that this end was told of the link: what somebody says it to be."""
    name = f"{link.name}\t{end}"
    return f"?{addresses.node(root.tenant_id, name)}"
