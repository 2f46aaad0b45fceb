"""From a canonical message to the operation on its person's node, or why there is none.

Pure and total: any message that decodes gives one of the two. Long values are cut here, once, so
that no state and no record grows beyond what the broker takes.
"""

import re
from dataclasses import dataclass
from typing import Final

from streams.contracts.dead_letters import Reason
from streams.contracts.messages import Message
from streams.identity.instants import credible_ms, parse_ms
from streams.identity.keys import NotAPerson, email_address, identity_key, phone_number
from streams.identity.operations import Observe

_TENANT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TOKEN: Final = re.compile(r"[^\s\x00-\x1f\x7f]{1,128}")
_TEXT_KEPT: Final = 16_384
_NAME_KEPT: Final = 200
_URL_KEPT: Final = 2_048
_ID_KEPT: Final = 512


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a message goes to the dead letters; `detail` says which value and what is expected."""

    reason: Reason
    detail: str


def normalise(message: Message, received_at_ms: int) -> Observe | Rejection:  # noqa: PLR0911 - one guard a field
    """Return the operation for the node of the message's person."""
    if not _TENANT.fullmatch(message.tenant_id):
        return Rejection(
            "invalid",
            f"tenantId {message.tenant_id[:80]!r}: use 1 to 64 letters, digits, '.', '_' or '-'",
        )
    channel = message.channel
    channel_type = channel.type.lower()
    if not _TOKEN.fullmatch(channel.id) or not _TOKEN.fullmatch(channel_type):
        return Rejection("invalid", "channel.id and channel.type: 1 to 128 characters, no spaces")
    if not message.message_id or len(message.message_id) > _ID_KEPT:
        return Rejection("invalid", f"messageId: 1 to {_ID_KEPT} characters, unique in its channel")
    external_id = message.from_ if message.direction == "inbound" else message.to
    if not external_id.strip() or len(external_id) > _ID_KEPT:
        side = "from" if message.direction == "inbound" else "to"
        return Rejection("invalid", f"{side}: who the person is, 1 to {_ID_KEPT} characters")
    key = identity_key(channel_type, channel.id, external_id)
    if isinstance(key, NotAPerson):
        return Rejection("not_a_person", key.detail)
    happened_at_ms = parse_ms(message.timestamp)
    if happened_at_ms is None:
        return Rejection(
            "invalid", f"timestamp {message.timestamp!r}: use RFC 3339 or epoch seconds or ms"
        )
    context = message.context
    inbound = message.direction == "inbound"
    return Observe(
        tenant_id=message.tenant_id,
        channel_id=channel.id,
        channel_type=channel_type,
        external_id=external_id,
        identity_key=key,
        message_id=message.message_id,
        direction=message.direction,
        at_ms=credible_ms(happened_at_ms, received_at_ms),
        received_at_ms=received_at_ms,
        content_type=message.content.type[:_NAME_KEPT],
        text=_cut(message.content.text, _TEXT_KEPT),
        agent_id=_cut(message.agent_id, _ID_KEPT),
        platform_conversation_id=(message.conversation_id or "")[:_ID_KEPT],
        # On the way out the profile would be the business's own.
        name=_cut(context.profile_name, _NAME_KEPT) if inbound else None,
        picture_url=_whole(context.profile_picture_url) if inbound else None,
        username=_cut(context.username, _NAME_KEPT) if inbound else None,
        phone=phone_number(context.phone) if inbound and context.phone else None,
        email=email_address(context.email.strip()) if inbound and context.email else None,
    )


def _cut(text: str | None, at_most: int) -> str | None:
    """Return the text without what no store takes, cut; nothing where nothing is left."""
    if not text:
        return None
    cut = text[:at_most].replace("\x00", "").strip()
    return cut or None


def _whole(url: str | None) -> str | None:
    """Return the address, or nothing where it is too long to be one: half an address is none."""
    return url if url and len(url) <= _URL_KEPT else None
