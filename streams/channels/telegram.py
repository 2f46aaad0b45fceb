"""Telegram's Bot API: updates, one a webhook call or many of a getUpdates answer.

A customer comes of a private message or a pressed button; the key is the user's id, which names,
usernames and chats are not. Groups, channels, bots and Telegram's own accounts are notices. Of a
business account's chat the customer is the chat: whoever else writes there is the business.
Source: https://core.telegram.org/bots/api (10.1).
"""

from collections.abc import Iterator
from typing import Final

from streams.channels.delivery import Delivery
from streams.channels.document import Document, value_of
from streams.channels.inbox import Inbox
from streams.channels.reading import Part, Reading, Unreadable, reading_of
from streams.contracts.messages import Content, Context, Identifier
from streams.contracts.notices import Notice, NoticeKind
from streams.identity.keys import telegram_key

_CONTENTS: Final = (
    *("text", "photo", "video", "voice", "audio", "document", "sticker", "animation", "video_note"),
    *("venue", "location", "contact", "poll", "dice", "game", "story", "invoice", "paid_media"),
    *("successful_payment", "web_app_data", "users_shared", "chat_shared", "checklist"),
)
_MESSAGES: Final = frozenset({"message", "business_message"})
_NOTICES: Final[dict[str, NoticeKind]] = {
    "edited_message": "edited",
    "edited_business_message": "edited",
    "edited_channel_post": "crowd",
    "channel_post": "crowd",
    "chat_member": "crowd",
    "chat_join_request": "crowd",
    "chat_boost": "crowd",
    "removed_chat_boost": "crowd",
    "message_reaction": "reaction",
    "message_reaction_count": "crowd",
    "inline_query": "activity",
    "chosen_inline_result": "activity",
    "poll": "activity",
    "poll_answer": "activity",
    "business_connection": "account",
}
_PLATFORM: Final = "telegram"
_PRIVATE: Final = "private"


def read(delivery: Delivery) -> Reading:
    """Return what the update, or the updates of a getUpdates answer, say."""
    value = value_of(delivery.body)
    if isinstance(value, Unreadable):
        return reading_of([value])
    body = Document(value)
    updates = body.children("result") or ((body,) if "update_id" in body else ())
    if not updates:
        return reading_of([Unreadable("the body is no update: it has no update_id")])
    inbox = Inbox(delivery, _PLATFORM, _PLATFORM)
    return reading_of(part for update in updates for part in _parts(update, inbox))


def _parts(update: Document, inbox: Inbox) -> Iterator[Part]:
    """Yield what an update says: it has at most one field beside its id."""
    kinds = [name for name in update.fields() if name != "update_id"]
    if not kinds:
        yield _notice(inbox, "unknown", "update", Document({}))
    for kind in kinds:
        about = update.child(kind)
        if kind in _MESSAGES:
            yield _message(about, kind, inbox)
        elif kind == "callback_query":
            yield _pressed(about, inbox)
        elif kind == "my_chat_member":
            yield _member(about, inbox)
        elif kind == "deleted_business_messages":
            yield from _deleted(about, inbox)
        else:
            yield _notice(inbox, _NOTICES.get(kind, "unknown"), kind, about)


def _message(message: Document, kind: str, inbox: Inbox) -> Part:
    sender, chat = message.child("from"), message.child("chat")
    sender_id, chat_id = sender.text("id"), chat.text("id")
    if chat_id is None or message.text("message_id") is None:
        return Unreadable(f"a {kind} without chat.id or message_id: nobody can be told from it")
    if chat.text("type") != _PRIVATE:
        return _notice(inbox, "crowd", kind, message)
    if kind == "business_message" and (
        sender_id != chat_id or message.child("sender_business_bot")
    ):
        return _of_the_business(message, chat, inbox)
    if sender_id is None or sender.is_true("is_bot") or telegram_key(sender_id) is None:
        return _notice(inbox, "not_a_person", kind, message)
    return inbox.wrote(
        sender_id,
        message_id=_message_id(message),
        at=message.time("date"),
        content=_content(message),
        context=_context(sender, identifiers=_own_contact(message, sender_id)),
    )


def _of_the_business(message: Document, chat: Document, inbox: Inbox) -> Part:
    """Return what the owner, or a bot of theirs, wrote to the customer whose chat it is."""
    chat_id = chat.text("id") or ""
    if telegram_key(chat_id) is None:
        return _notice(inbox, "not_a_person", "business_message", message)
    return inbox.answered(
        chat_id,
        message_id=_message_id(message),
        at=message.time("date"),
        content=_content(message),
    )


def _pressed(query: Document, inbox: Inbox) -> Part:
    """Return the button that somebody pressed: its `message` is the bot's, and so is its date."""
    sender, query_id = query.child("from"), query.text("id")
    sender_id = sender.text("id")
    if query_id is None or sender_id is None:
        return Unreadable("a callback_query without id or from.id: nobody can be told from it")
    if sender.is_true("is_bot") or telegram_key(sender_id) is None:
        return _notice(inbox, "not_a_person", "callback_query", query)
    return inbox.wrote(
        sender_id,
        message_id=f"callback:{query_id}",
        at=inbox.delivery.received_at_ms,
        content=Content(type="callback", text=query.text("data")),
        context=_context(sender),
    )


def _member(change: Document, inbox: Inbox) -> Notice:
    """Return that somebody blocked the bot or came back, or what a group did with it."""
    is_private = change.text("chat", "type") == _PRIVATE
    return _notice(
        inbox,
        "reachability" if is_private else "crowd",
        "my_chat_member",
        change,
        detail=change.text("new_chat_member", "status"),
    )


def _deleted(deletion: Document, inbox: Inbox) -> Iterator[Notice]:
    connection, chat_id = deletion.text("business_connection_id"), deletion.text("chat", "id")
    for number in deletion.texts("message_ids"):
        yield inbox.notice(
            "deleted",
            "deleted_business_messages",
            message_id=":".join(part for part in (connection, chat_id, number) if part),
            person=chat_id,
            at=inbox.delivery.received_at_ms,
        )
    if not deletion.texts("message_ids"):
        yield _notice(inbox, "unknown", "deleted_business_messages", deletion)


def _notice(
    inbox: Inbox, kind: NoticeKind, event: str, about: Document, *, detail: str | None = None
) -> Notice:
    has_id = about.text("message_id") is not None and about.text("chat", "id") is not None
    return inbox.notice(
        kind,
        event,
        message_id=_message_id(about) if has_id else None,
        person=about.text("from", "id") or about.text("user", "id"),
        at=about.time("edit_date") or about.time("date"),
        detail=detail,
        text=(about.text("text") or about.text("caption")) if kind == "edited" else None,
    )


def _message_id(message: Document) -> str:
    """Return what no two messages of a bot share: numbers count within a chat, and within a
    business connection.
    """
    parts = (
        message.text("business_connection_id"),
        message.text("chat", "id"),
        message.text("message_id"),
    )
    return ":".join(part for part in parts if part)


def _context(sender: Document, identifiers: tuple[Identifier, ...] = ()) -> Context:
    names = (sender.text("first_name"), sender.text("last_name"))
    return Context(
        profile_name=" ".join(name.strip() for name in names if name) or None,
        username=sender.text("username"),
        identifiers=identifiers,
    )


def _own_contact(message: Document, sender_id: str) -> tuple[Identifier, ...]:
    """Return the phone that a person shared as their own; a card of anybody else says nothing."""
    contact = message.child("contact")
    phone = contact.text("phone_number")
    if phone is None or contact.text("user_id") != sender_id:
        return ()
    number = f"+{phone.strip().lstrip('+')}"  # written with and without it
    return (Identifier(kind="phone", value=number, rule="contact_shared"),)


def _content(message: Document) -> Content:
    kind = next((name for name in _CONTENTS if name in message), "unknown")
    return Content(type=kind, text=message.text("text") or message.text("caption"))
