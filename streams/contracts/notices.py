"""What platforms tell beside messages, on `channel-notices`: kept and counted, never a contact."""

from typing import Literal

from streams.contracts.wire import SCHEMA_VERSION, Wire

NoticeKind = Literal[
    "status",  # what became of a message of ours: sent, delivered, read, failed
    "edited",  # a message has another text now
    "deleted",  # a message was taken back: its content must go
    "reaction",  # an emoji on a message, where the platform does not count it as one
    "activity",  # typing, seen, widget opened: somebody is there, nobody spoke
    "reachability",  # the person blocked or unblocked the business, or took consent back
    "crowd",  # a group, a channel, a broadcast list, a story
    "not_a_person",  # a bot, a service account, an automatic reply, the business itself
    "account",  # about the business's own account or template: nothing of any person
    "profile",  # of a person or address book, with nothing that a customer is made of
    "backlog",  # history from before we were connected, or a thread another application owns
    "test",  # the platform's own test button
    "unknown",  # of a kind this version does not know
]


class Notice(Wire, frozen=True, kw_only=True):
    """One thing a platform told that is no message; `event` is its own word for it.

    `messageId` and `externalId` say of which message and person, where the platform does;
    `detail` is the status or the reason, `text` the text that an edit put in place.
    """

    tenant_id: str
    channel_id: str
    channel_type: str
    platform: str
    kind: NoticeKind
    event: str
    message_id: str | None = None
    external_id: str | None = None
    timestamp: str | int | float | None = None
    detail: str | None = None
    text: str | None = None
    schema_version: int = SCHEMA_VERSION
