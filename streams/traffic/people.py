"""People and the identities they write from. Owns who is one customer: decided as they are made,
never read back from their messages.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from streams.contracts.messages import Content, Context
from streams.traffic.businesses import Business, Inbox
from streams.traffic.cultures import CULTURES, FLOURISHES, NUMBER_STEP, NUMBERS, Culture

T = TypeVar("T")

_SECOND_CHANNEL_SHARE = 0.32
_THIRD_CHANNEL_SHARE = 0.15
_SECOND_TENANT_SHARE = 0.05
_NAMELESS_SHARE = 0.15
_FLOURISH_SHARE = 0.08
_PICTURE_SHARE = 0.3
_EMAIL_ON_WEBCHAT_SHARE = 0.6
_CAPITALS_SHARE = 0.25
_RETURNING_SHARE = 0.6
_LONGEST_HABIT_DAYS = 12.0


@dataclass(frozen=True, slots=True)
class Identity:
    """One person on one channel of one business."""

    inbox: Inbox
    external_id: str
    key: str  # what decides the customer, with the tenant
    record_key: bytes
    context: Context
    number: int  # counts all identities
    customer: int  # counts all customers


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with their ways of writing to one business."""

    identities: tuple[Identity, ...]
    words: tuple[Content, ...]
    replies: tuple[Content, ...]
    business: Business
    habit_days: float  # between conversations, on average; 0 means one conversation only


@dataclass(frozen=True, slots=True)
class _Traits:
    """What a person is called everywhere, whichever channel they use."""

    name: str
    digits: str
    email: str
    telegram_id: str
    page_scoped_id: str
    visitor_id: str
    gives_email: bool
    handle: str


def people(count: int, shops: tuple[Business, ...], rng: Random) -> Iterator[Person]:
    """Yield `count` people, and those who also write to a second business once more for it."""
    maker = _Maker(rng)
    for index in range(count):
        business = _one_of(shops, rng)
        culture = CULTURES[_one_of(business.cultures, rng)]
        traits = maker.traits(index, culture)
        yield maker.person(traits, culture, business)
        if len(shops) > 1 and rng.random() < _SECOND_TENANT_SHARE:
            other = _one_of([shop for shop in shops if shop is not business], rng)
            yield maker.person(traits, culture, other)


class _Maker:
    """Deals out traits, and numbers identities and customers in the order they are made."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._offset = rng.randrange(NUMBERS)
        self._identities = 0
        self._customers = 0

    def traits(self, index: int, culture: Culture) -> _Traits:
        rng = self._rng
        number = (index * NUMBER_STEP + self._offset) % NUMBERS
        first, last = _one_of(culture.first_names, rng), _one_of(culture.last_names, rng)
        name = f"{first} {last}"
        if rng.random() < _FLOURISH_SHARE:
            name = f"{name} {_one_of(FLOURISHES, rng)}"
        handle = f"{_ascii(first)}.{_ascii(last)}{number}"
        written = handle.title() if rng.random() < _CAPITALS_SHARE else handle
        return _Traits(
            name="" if rng.random() < _NAMELESS_SHARE else name,
            digits=culture.digits(number),
            email=f"{written}@{_one_of(('example.com', 'example.org', 'mail.example'), rng)}",
            telegram_id=str(100_000_000 + number * 37),
            page_scoped_id=str(7_000_000_000_000_000 + number * 1_009),
            visitor_id=f"visitor-{number:07x}",
            gives_email=rng.random() < _EMAIL_ON_WEBCHAT_SHARE,
            handle=handle,
        )

    def person(self, traits: _Traits, culture: Culture, business: Business) -> Person:
        rng = self._rng
        customers: dict[str, int] = {}
        identities = []
        for inbox in self._inboxes(business):
            external_id, key = _identity(traits, inbox)
            if key not in customers:
                customers[key] = self._customers
                self._customers += 1
            identities.append(
                Identity(
                    inbox=inbox,
                    external_id=external_id,
                    key=key,
                    record_key=f"{inbox.tenant_id}/{inbox.channel.id}/{external_id}".encode(),
                    context=self._context(traits, inbox),
                    number=self._identities,
                    customer=customers[key],
                )
            )
            self._identities += 1
        # Whoever uses two channels comes back: a second channel is a second conversation.
        returning = len(identities) > 1 or rng.random() < _RETURNING_SHARE
        habit_days = 1.0 + rng.random() * _LONGEST_HABIT_DAYS if returning else 0.0
        return Person(tuple(identities), culture.words, culture.replies, business, habit_days)

    def _inboxes(self, business: Business) -> list[Inbox]:
        rng = self._rng
        chosen: list[Inbox] = []
        for share in (1.0, _SECOND_CHANNEL_SHARE, _THIRD_CHANNEL_SHARE):
            if rng.random() >= share:
                break
            left = [inbox for inbox in business.inboxes if inbox not in chosen]
            chosen += rng.choices(left, [inbox.weight for inbox in left])
        return chosen

    def _context(self, traits: _Traits, inbox: Inbox) -> Context:
        channel_type = inbox.channel.type
        if channel_type == "sms" or not traits.name:
            return Context()
        picture = None
        if channel_type in {"whatsapp", "telegram"} and self._rng.random() < _PICTURE_SHARE:
            picture = f"https://pictures.example/{traits.visitor_id}.jpg"
        return Context(
            profile_name=traits.name,
            profile_picture_url=picture,
            username=traits.handle if channel_type == "telegram" else None,
        )


def _identity(traits: _Traits, inbox: Inbox) -> tuple[str, str]:
    """Return the external id as that platform writes it, and the key it stands for."""
    channel = inbox.channel
    match channel.type:
        case "whatsapp" | "sms":
            return f"{inbox.prefix}{traits.digits}", f"phone:+{traits.digits}"
        case "email":
            return traits.email, f"email:{traits.email.lower()}"
        case "webchat" if traits.gives_email:
            return traits.email.lower(), f"email:{traits.email.lower()}"
        case "webchat":
            return traits.visitor_id, f"webchat:{channel.id}:{traits.visitor_id}"
        case "telegram":
            return traits.telegram_id, f"telegram:{traits.telegram_id}"
        case other:
            return traits.page_scoped_id, f"{other}:{channel.id}:{traits.page_scoped_id}"


def _ascii(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in letters.lower() if letter.isalpha()) or "visitor"


def _one_of(things: Sequence[T], rng: Random) -> T:
    return things[int(rng.random() * len(things))]
