"""What the worker tells an identity node, on `interactions`.

`observe`, `relate` and `forget` say what became known, `ask`, `adopt` and `introduce` what somebody
wants.
`union`, `unite`, `decline` and `absorb` bring two roots together (union-find as actors on Kafka's
partitions); `index` and `shorten` keep the ways short. Every one may be repeated or come late.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from streams.contracts.commands import AnyCustomerCommand, ImportContact, MergeCustomers
from streams.identity.evidence import Decision, Link
from streams.identity.state import Edits, Erased, Root


class _Operation(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An operation as it stands on the topic: by place, without its fields' names, because there
    is one a message. Only ever add a field at the end, with a default.
    """


class Claim(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A message's word that its sender is also `key`."""

    key: str
    rule: str


class Observe(_Operation, frozen=True, kw_only=True, tag="observe"):
    """A message was seen of this channel identity; times are epoch milliseconds."""

    tenant_id: str
    channel_id: str
    channel_type: str
    external_id: str
    identity_key: str
    message_id: str
    direction: Literal["inbound", "outbound"]
    at_ms: int
    received_at_ms: int
    content_type: str
    is_clock_wrong: bool = False
    text: str | None = None
    agent_id: str | None = None
    platform_conversation_id: str = ""
    name: str | None = None
    picture_url: str | None = None
    username: str | None = None
    claims: tuple[Claim, ...] = ()
    since_ms: int = 0  # set at the node, where the number is a later owner's
    is_answer: bool = False  # the business answers: it makes nobody known, and moves nothing on


class Relate(_Operation, frozen=True, kw_only=True, tag="relate"):
    """Something became known without a message: links, decisions, a profile."""

    tenant_id: str
    at_ms: int
    links: tuple[Link, ...] = ()
    decisions: Mapping[str, Decision] = msgspec.field(default_factory=dict)
    edits: Mapping[str, Edits] = msgspec.field(default_factory=dict)


class Forget(_Operation, frozen=True, kw_only=True, tag="forget"):
    """Somebody was erased whose claims you may hold."""

    tenant_id: str
    erased: Mapping[str, Erased]


class Ask(_Operation, frozen=True, kw_only=True, tag="ask"):
    """Somebody's command about a customer of this node; `at_ms` is when it was issued."""

    command: AnyCustomerCommand
    at_ms: int


class Adopt(_Operation, frozen=True, kw_only=True, tag="adopt"):
    """The other half of a merge: link the customer that the command names as the other one to
    `key`, whose node is at `address`.
    """

    command: MergeCustomers
    at_ms: int
    key: str
    address: str


class Introduce(_Operation, frozen=True, kw_only=True, tag="introduce"):
    """An import's contact, whose node this is; `at_ms` is when the import was made."""

    command: ImportContact
    at_ms: int


class Union(_Operation, frozen=True, kw_only=True, tag="union"):
    """Come together with the node `other`, which exists because it sent this, over the link."""

    tenant_id: str
    other: str
    link: Link


class Unite(_Operation, frozen=True, kw_only=True, tag="unite"):
    """The root `root`, made at `rank_at_ms`, and you belong together: the older one stays.

    Only the older one invites, when it has room for the `size` of the younger; that gives way.
    """

    tenant_id: str
    root: str
    rank_at_ms: int
    size: int
    link: Link
    is_invitation: bool = False


class Decline(_Operation, frozen=True, kw_only=True, tag="decline"):
    """The root `root` that you invited does not come: together you would be too many."""

    root: str


class Absorb(_Operation, frozen=True, kw_only=True, tag="absorb"):
    """Take in all that the node `giver` knew, which has just become a pointer to you."""

    giver: str
    state: Root


class Index(_Operation, frozen=True, kw_only=True, tag="index"):
    """To the index node of a customer's id: the customer is found at `to`."""

    to: str


class Shorten(_Operation, frozen=True, kw_only=True, tag="shorten"):
    """To a pointer: your way leads to `to`."""

    to: str


Operation = (
    Observe
    | Relate
    | Forget
    | Ask
    | Adopt
    | Introduce
    | Union
    | Unite
    | Decline
    | Absorb
    | Index
    | Shorten
)

_decoder: msgspec.json.Decoder[Operation] = msgspec.json.Decoder(Operation)
_encoder = msgspec.json.Encoder()


# Returns the operation; raises msgspec.MsgspecError where the bytes are none. The decoder's own
# method, with nothing in between: it runs for every message.
decode_operation: Final[Callable[[bytes], Operation]] = _decoder.decode


def encode_operation(operation: Operation) -> bytes:
    """Return the operation as JSON bytes."""
    return _encoder.encode(operation)
