"""What every adapter says in the same way: who wrote, who was answered, what was noted.

An inbox is one delivery's channel, in its medium. Messages without an id get one made of what they
say, so that a redelivery has the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from streams.channels.delivery import Delivery
from streams.channels.document import Document
from streams.contracts.messages import Channel, Content, Context, Direction, Kind, Message
from streams.contracts.notices import Notice, NoticeKind
from streams.identity.instants import parse_ms

_ID_BYTES = 12
_NOTHING_SAID = Content()
_NOTHING_KNOWN = Context()

Time = str | int | float


@dataclass(frozen=True, slots=True)
class Inbox:
    """The channel that a body came in on: `platform` names who sent it, `medium` what people use.

    `account` is the platform's scope of its user ids, `business` the business's own address, where
    the body says them.
    """

    delivery: Delivery
    platform: str
    medium: str
    account: str | None = None
    business: str | None = None

    def wrote(
        self,
        person: str,
        *,
        message_id: str,
        at: Time | None,
        content: Content,
        context: Context = _NOTHING_KNOWN,
        conversation_id: str | None = None,
    ) -> Message:
        """Return what a person sent to the business."""
        return self._message(
            person,
            "inbound",
            message_id=message_id,
            at=at,
            content=content,
            context=context,
            conversation_id=conversation_id,
        )

    def answered(
        self,
        person: str,
        *,
        message_id: str,
        at: Time | None,
        content: Content,
        context: Context = _NOTHING_KNOWN,
        conversation_id: str | None = None,
        agent_id: str | None = None,
        kind: Kind = "message",
    ) -> Message:
        """Return what the business sent to a person; `context` is of the person. As an `answer` it
        makes nobody a customer.
        """
        return self._message(
            person,
            "outbound",
            message_id=message_id,
            at=at,
            content=content,
            context=context,
            conversation_id=conversation_id,
            agent_id=agent_id,
            kind=kind,
        )

    def learned(
        self, person: str, *, message_id: str, at: Time | None, event: str, context: Context
    ) -> Message:
        """Return what became known of a person without anybody having spoken: it makes nobody a
        customer.
        """
        return self._message(
            person,
            "inbound",
            message_id=message_id,
            at=at,
            content=Content(type=event),
            context=context,
            kind="notice",
        )

    def notice(
        self,
        kind: NoticeKind,
        event: str,
        *,
        message_id: str | None = None,
        person: str | None = None,
        at: Time | None = None,
        detail: str | None = None,
        text: str | None = None,
    ) -> Notice:
        """Return what is neither a message nor about a customer."""
        return Notice(
            tenant_id=self.delivery.tenant_id,
            channel_id=self.delivery.channel_id,
            channel_type=self.medium,
            platform=self.platform,
            kind=kind,
            event=event,
            message_id=message_id,
            external_id=person,
            timestamp=at,
            detail=detail,
            text=text,
        )

    def _message(
        self,
        person: str,
        direction: Direction,
        *,
        message_id: str,
        at: Time | None,
        content: Content = _NOTHING_SAID,
        context: Context,
        conversation_id: str | None = None,
        agent_id: str | None = None,
        kind: Kind = "message",
    ) -> Message:
        channel_id = self.delivery.channel_id
        business = self.business or channel_id
        return Message(
            tenant_id=self.delivery.tenant_id,
            channel=Channel(
                id=channel_id, type=self.medium, account=self.delivery.account or self.account
            ),
            message_id=message_id,
            direction=direction,
            from_=person if direction == "inbound" else business,
            to=business if direction == "inbound" else person,
            # Of 0 the core makes the broker's time, and says so.
            timestamp=0 if at is None or parse_ms(at) is None else at,
            conversation_id=conversation_id,
            agent_id=agent_id,
            kind=kind,
            context=context,
            content=content,
        )


def kind_of(event: str, kinds: Mapping[str, NoticeKind]) -> NoticeKind:
    """Return the kind of an event by the longest of the names that it begins with."""
    names = [name for name in kinds if event.startswith(name)]
    return kinds[max(names, key=len)] if names else "unknown"


def id_of(part: Document) -> str:
    """Return an id made of what the part says: another part has another one."""
    try:
        said = json.dumps(part.value, sort_keys=True)
    except RecursionError:
        said = str(sorted(part.fields()))
    return f"content:{blake2b(said.encode(), digest_size=_ID_BYTES).hexdigest()}"
