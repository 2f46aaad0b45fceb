"""Z-API, a WhatsApp gateway: one callback a call.

A customer comes of a `ReceivedCallback` in a private chat, also of one whose content has not come
yet (`waitingMessage`). An edit has the id of what it edits. Of what the business sent (`fromMe`)
`phone` is still the customer, and name and picture are ours.
Source: https://developer.z-api.io/en/webhooks (September 2026).
"""

from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, event_of
from streams.channels.inbox import Inbox, id_of
from streams.channels.jids import is_crowd, is_own, same_account
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content, Context
from streams.contracts.notices import NoticeKind

_RECEIVED: Final = "ReceivedCallback"
_NOTICES: Final[dict[str, NoticeKind]] = {
    "DeliveryCallback": "status",
    "MessageStatusCallback": "status",
    "PresenceChatCallback": "activity",
    "ConnectedCallback": "account",
    "DisconnectedCallback": "account",
}
_TEXTS: Final = (
    ("text", "message"),
    ("image", "caption"),
    ("video", "caption"),
    ("document", "caption"),
    ("document", "fileName"),
    ("buttonsResponseMessage", "message"),
    ("listResponseMessage", "title"),
    ("listResponseMessage", "message"),
    ("buttonReply", "message"),
    ("hydratedTemplate", "message"),
    ("reaction", "value"),
    ("poll", "question"),
    ("location", "name"),
    ("contact", "displayName"),
)
# Objects of the envelope: what else is an object is the content, by its name.
_NO_CONTENT: Final = frozenset({"referral", "externalAdReply", "profileName", "forwarded"})


def read(delivery: Delivery) -> Reading:
    """Return what the callback says."""
    found = event_of(delivery.body, "type")
    if isinstance(found, Unreadable):
        return reading_of([found])
    kind, body = found
    return reading_of([_part(kind, body, Inbox(delivery, "zapi", "whatsapp"))])


def _part(kind: str, body: Document, inbox: Inbox) -> Part:
    phone = body.text("phone")
    if kind != _RECEIVED:
        return _noted(_NOTICES.get(kind, "unknown"), kind, body, inbox)
    if phone is None:
        return Unreadable("a ReceivedCallback without phone: it is nobody's")
    if (what := _no_message(phone, body, inbox)) is not None:
        return _noted(what, kind, body, inbox, detail=body.text("notification"))
    message_id, at = body.text("messageId") or id_of(body), body.time("momment")
    content = Content(type=_content_type(body), text=_text(body))
    lid = body.text("chatLid")
    if body.is_true("fromMe"):
        return inbox.answered(
            phone,
            message_id=message_id,
            at=at,
            content=content,
            context=Context(identifiers=same_account(phone, lid)),
        )
    return inbox.wrote(
        phone,
        message_id=message_id,
        at=at,
        content=content,
        context=Context(
            profile_name=body.text("senderName") or body.text("chatName"),
            profile_picture_url=body.text("senderPhoto") or body.text("photo"),
            identifiers=same_account(phone, lid, body.text("senderLid")),
        ),
    )


def _no_message(phone: str, body: Document, inbox: Inbox) -> NoticeKind | None:
    """Say what it is that nobody wrote to the business, or that only changes another message."""
    if body.is_true("isGroup") or body.is_true("isNewsletter") or is_crowd(phone):
        return "crowd"
    if is_own(phone, body.text("connectedPhone"), inbox.delivery):
        return "not_a_person"
    if body.is_true("isEdit"):
        return "edited"
    return "activity" if "notification" in body else None


def _noted(
    kind: NoticeKind, event: str, body: Document, inbox: Inbox, *, detail: str | None = None
) -> Part:
    ids = body.texts("ids")
    return inbox.notice(
        kind,
        event,
        message_id=body.text("messageId") or (ids[0] if ids else None),
        person=body.text("phone"),
        at=body.time("momment"),
        detail=detail or body.text("status"),
        text=_text(body) if kind == "edited" else None,
    )


def _content_type(body: Document) -> str:
    if body.is_true("waitingMessage"):
        return "waiting"
    blocks = (name for name in body.fields() if body.child(name) and name not in _NO_CONTENT)
    return next(blocks, "unknown")


def _text(body: Document) -> str | None:
    found = (body.text(*path) for path in _TEXTS)
    return next((text for text in found if text is not None), None)
