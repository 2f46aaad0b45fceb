"""What comes out of an adapter: canonical messages, and by name everything that is none."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from streams.channels.delivery import Delivery
from streams.contracts.messages import Message
from streams.contracts.notices import Notice


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A body, or a part of one, that cannot be attributed: it goes to the dead letters.

    `detail` says what is wrong and what was expected; it quotes no name, number or text.
    """

    detail: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a body says: nothing of it is dropped without a name.

    `messages` are canonical: what people and the business said, and (`kind="notice"`) what became
    known of a person without anybody having spoken. `notices` make no customer and move none.
    """

    messages: tuple[Message, ...] = ()
    notices: tuple[Notice, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


Adapter = Callable[[Delivery], Reading]
Part = Message | Notice | Unreadable


def reading_of(parts: Iterable[Part]) -> Reading:
    """Return the parts sorted by what they are, each in the order it came."""
    messages: list[Message] = []
    notices: list[Notice] = []
    unreadable: list[Unreadable] = []
    for part in parts:
        if isinstance(part, Message):
            messages.append(part)
        elif isinstance(part, Notice):
            notices.append(part)
        else:
            unreadable.append(part)
    return Reading(tuple(messages), tuple(notices), tuple(unreadable))
