"""From a canonical message to the operation on its person's node, or why there is none.

Pure and total: any message that decodes gives one of the two. Long values are cut here, once, so
that no state and no record grows beyond what the broker takes.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from streams.contracts.dead_letters import Reason
from streams.contracts.messages import Identifier, Message
from streams.identity.evidence import link_between
from streams.identity.instants import credible_ms, parse_ms
from streams.identity.keys import (
    NotAPerson,
    bsuid_key,
    email_key,
    identity_key,
    lid_key,
    phone_key,
    possible_variants,
    reference_key,
    telegram_key,
)
from streams.identity.names import is_raw_id, is_visible
from streams.identity.operations import Claim, Observe, Relate
from streams.identity.policy import Policy
from streams.identity.registers import RANK_FALLBACK, RANK_PROFILE, Register
from streams.identity.state import Edits

_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TOKEN: Final = re.compile(r"[^\s\x00-\x1f\x7f]{1,128}")
_TEXT_KEPT: Final = 16_384
_NAME_KEPT: Final = 200
_URL_KEPT: Final = 2_048
_ID_KEPT: Final = 512
_CLAIMS_KEPT: Final = 16
# Content types that say that something happened to a message or a window, and not that a person
# spoke. A reaction is no such thing: a person chose it.
_NOTICES: Final = frozenset(
    {
        *("status", "delivery", "delivered", "sent", "read", "receipt", "ack", "failed"),
        *("typing", "presence", "system", "notice", "widget_opened", "webwidget_triggered"),
    }
)

_KEY_OF: Final[Mapping[str, Callable[[str], str | None]]] = {
    "phone": phone_key,
    "email": email_key,
    "telegram": telegram_key,
    "lid": lid_key,
    "reference": reference_key,
}


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a message goes to the dead letters; `detail` says which value and what is expected."""

    reason: Reason
    detail: str


def tenant_of(text: str) -> str | Rejection:
    """Return the tenant's name, or what is wrong with it."""
    if _TENANT.fullmatch(text):
        return text
    return Rejection(
        "invalid", f"tenantId {text[:80]!r}: use 1 to 64 letters, digits, '.', '_' or '-'"
    )


def normalise(  # noqa: PLR0911 - one guard a field
    message: Message, received_at_ms: int, policy: Policy
) -> tuple[str, Observe | Relate] | Rejection:
    """Return the identity key of the message's person, and the operation for its node."""
    tenant = tenant_of(message.tenant_id)
    if isinstance(tenant, Rejection):
        return tenant
    channel = message.channel
    channel_type = channel.type.lower()
    if not _TOKEN.fullmatch(channel.id) or not _TOKEN.fullmatch(channel_type):
        return Rejection("invalid", "channel.id and channel.type: 1 to 128 characters, no spaces")
    if not message.message_id or len(message.message_id) > _ID_KEPT:
        return Rejection("invalid", f"messageId: 1 to {_ID_KEPT} characters, unique in its channel")
    inbound = message.direction == "inbound"
    external_id = message.from_ if inbound else message.to
    if not external_id.strip() or len(external_id) > _ID_KEPT:
        side = "from" if inbound else "to"
        return Rejection("invalid", f"{side}: who the person is, 1 to {_ID_KEPT} characters")
    key = identity_key(channel_type, channel.id, external_id, _account(message))
    if isinstance(key, NotAPerson):
        return Rejection("not_a_person", key.detail)
    if (nobody := _nobody(message, key, external_id, policy)) is not None:
        return nobody
    happened_at_ms = parse_ms(message.timestamp)
    if happened_at_ms is None:
        return Rejection(
            "invalid", f"timestamp {message.timestamp!r}: use RFC 3339 or epoch seconds or ms"
        )
    at_ms = credible_ms(happened_at_ms, received_at_ms)
    context = message.context
    # On the way out the profile would be the business's own.
    name = _cut(context.profile_name, _NAME_KEPT) if inbound else None
    if name is not None and not is_visible(name):
        name = None
    picture_url = _whole(context.profile_picture_url) if inbound else None
    claims = tuple(
        claim
        for claim in _claims(message, key, channel_type)
        if claim.key not in policy.nobody  # the business's own number is nobody's
    )[:_CLAIMS_KEPT]
    is_answer = message.kind == "answer" and not inbound
    if message.kind == "notice" or message.content.type.lower() in _NOTICES:
        profile = Edits(
            name=_name_register(name, external_id, key, at_ms),
            # As one that comes with a message (`picture_register`): below the copy that we serve.
            picture_url=Register(RANK_FALLBACK, at_ms, picture_url) if picture_url else None,
        )
        return key, _notice(message, key, at_ms, claims, profile)
    return key, Observe(
        tenant_id=tenant,
        channel_id=channel.id,
        channel_type=channel_type,
        external_id=external_id,
        identity_key=key,
        message_id=message.message_id,
        direction=message.direction,
        at_ms=at_ms,
        received_at_ms=received_at_ms,
        is_clock_wrong=at_ms != happened_at_ms,
        content_type=message.content.type[:_NAME_KEPT],
        text=_cut(message.content.text, _TEXT_KEPT),
        agent_id=_cut(message.agent_id, _ID_KEPT),
        platform_conversation_id=(message.conversation_id or "")[:_ID_KEPT],
        name=name,
        picture_url=picture_url,
        username=_cut(context.username, _NAME_KEPT) if inbound else None,
        claims=() if is_answer else claims,
        is_answer=is_answer,
    )


def _account(message: Message) -> str:
    account = message.channel.account
    return account[:_ID_KEPT] if account and _TOKEN.fullmatch(account) else ""


def _nobody(message: Message, key: str, external_id: str, policy: Policy) -> Rejection | None:
    """Return why this sender is no customer, as the platform or the tenant says."""
    sender = message.context.sender
    if message.direction == "inbound" and sender != "person":
        return Rejection("not_a_person", f"{external_id!r} is a {sender}, as the platform says")
    if key in policy.nobody or external_id.strip() in policy.nobody:
        return Rejection(
            "not_a_person", f"{external_id!r} is the business's own, or blocked by its policy"
        )
    channel = message.channel
    other_id = message.to if message.direction == "inbound" else message.from_
    if identity_key(channel.type.lower(), channel.id, other_id, _account(message)) == key:
        return Rejection("not_a_person", f"{external_id!r} writes to itself: the business's own")
    return None


def _notice(
    message: Message, key: str, at_ms: int, claims: tuple[Claim, ...], profile: Edits
) -> Relate:
    """Return what became known without anybody having spoken: it makes no customer."""
    links = tuple(
        link_between(
            key,
            claim.key,
            rule=claim.rule,
            at_ms=at_ms,
            message_id=message.message_id,
            channel_id=message.channel.id,
            claimant=key,
        )
        for claim in claims
    )
    edits = {} if profile == Edits() else {key: profile}
    return Relate(tenant_id=message.tenant_id, at_ms=at_ms, links=links, edits=edits)


def _name_register(name: str | None, external_id: str, key: str, at_ms: int) -> Register | None:
    """Return the name as a profile has it: one that only repeats the number gives way to any."""
    if name is None:
        return None
    rank = RANK_FALLBACK if is_raw_id(name, external_id, key) else RANK_PROFILE
    return Register(rank, at_ms, name)


def _claims(message: Message, key: str, channel_type: str) -> Iterator[Claim]:
    """Yield what the message says of its person's other identity keys, once each."""
    said = {(key, "")}
    for other, rule in (*_said(message, channel_type), *_variants(key, channel_type)):
        if other is not None and other != key and (other, rule) not in said:
            said.add((other, rule))
            yield Claim(other, rule)


def _said(message: Message, channel_type: str) -> Iterator[tuple[str | None, str]]:
    context = message.context
    for identifier in context.identifiers:
        yield _identifier_key(identifier, message, channel_type), identifier.rule
    if message.direction == "inbound":
        rule = "vouched_value" if context.attested else "self_declared"
        if context.phone:
            yield phone_key(context.phone[:_ID_KEPT]), rule
        if context.email:
            yield email_key(context.email[:_ID_KEPT]), rule


def _identifier_key(identifier: Identifier, message: Message, channel_type: str) -> str | None:
    value = identifier.value[:_ID_KEPT]
    account = _account(message) or message.channel.id
    if identifier.kind == "identity":
        key = identity_key(channel_type, message.channel.id, value, _account(message))
        return None if isinstance(key, NotAPerson) else key
    if identifier.kind == "bsuid":
        return bsuid_key(account, value)
    return _KEY_OF[identifier.kind](value)


def _variants(key: str, channel_type: str) -> Iterator[tuple[str, str]]:
    for variant in possible_variants(key, channel_type):
        yield variant, "phone_variant"


def _cut(text: str | None, at_most: int) -> str | None:
    """Return the text without what no store takes, cut; nothing where nothing is left."""
    if not text:
        return None
    cut = text[:at_most].replace("\x00", "").strip()
    return cut or None


def _whole(url: str | None) -> str | None:
    """Return the address, or nothing where it is too long to be one: half an address is none."""
    return url if url and len(url) <= _URL_KEPT else None
