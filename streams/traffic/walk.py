"""How one person's conversations go: when, where, who speaks next. Owns the rhythm of a day."""

from random import Random

from streams.contracts.messages import Content, Context, Direction, Message
from streams.traffic.cultures import PICTURE, REACTIONS
from streams.traffic.people import Identity, Person

_SECOND_MS = 1_000
_HOUR_MS = 3_600 * _SECOND_MS
_DAY_MS = 24 * _HOUR_MS

# Out of a hundred conversations, how many begin in each local hour: quiet nights, a dip at lunch.
_BY_HOUR = (1, 1, 0, 0, 0, 1, 2, 3, 6, 8, 9, 8, 5, 6, 7, 7, 7, 6, 6, 6, 5, 3, 2, 1)
_HOURS = tuple(hour for hour, weight in enumerate(_BY_HOUR) for _ in range(weight))

_NOBODY: Context = Context()
_KEEPS_CONVERSATIONS = frozenset({"webchat", "email"})  # platforms with conversation ids of theirs
_ANSWERED_SHARE = 0.4  # of conversations that the business starts
_IGNORED_SHARE = 0.08  # of conversations that a person starts
_REPLY_SHARE = 0.7
_BACK_SHARE = 0.65
_REACTION_SHARE = 0.05
_PICTURE_SHARE = 0.06
_SAME_CHANNEL_SHARE = 0.3
_ENDS_SHARE = 0.18


def first_moment(person: Person, start_ms: int, days: int, rng: Random) -> int:
    """Return when somebody first appears: always within the `days` from the start."""
    moment = int(rng.random() * days) * _DAY_MS + _time_of_day(person, rng)
    return start_ms + (moment - start_ms) % (days * _DAY_MS)


def _time_of_day(person: Person, rng: Random) -> int:
    """Return milliseconds from midnight UTC to a moment at which people there are awake."""
    hour = _HOURS[int(rng.random() * len(_HOURS))]
    return hour * _HOUR_MS + int(rng.random() * _HOUR_MS) - person.business.offset_ms


class Walk:
    """Where a person stands in their conversations; changes with every message."""

    def __init__(self, person: Person, rng: Random, agent_initiated_share: float, tag: str) -> None:
        self.person = person
        self.identity: Identity = person.identities[0]
        self._rng = rng
        self._agent_initiated_share = agent_initiated_share
        self._tag = tag
        self._speaker: Direction = "inbound"
        self._only: Direction | None = None
        self._agent = ""
        self._conversation_id: str | None = None
        self._opened = False
        self._begin()

    def message(self, at_ms: int, number: int) -> Message:
        """Return the next message, sent then; the number makes its id unique."""
        identity, inbox = self.identity, self.identity.inbox
        message_id = f"{inbox.channel.type}.{self._tag}.{number:x}"
        if not self._opened:
            self._opened = True
            if inbox.channel.type in _KEEPS_CONVERSATIONS:
                self._conversation_id = f"conversation.{self._tag}.{number:x}"
        inbound = self._speaker == "inbound"
        return Message(
            tenant_id=inbox.tenant_id,
            channel=inbox.channel,
            message_id=message_id,
            direction=self._speaker,
            from_=identity.external_id if inbound else inbox.address,
            to=inbox.address if inbound else identity.external_id,
            timestamp=inbox.timestamp(at_ms),
            conversation_id=self._conversation_id,
            agent_id=None if inbound else self._agent,
            context=identity.context if inbound else _NOBODY,
            content=self._content(inbound=inbound),
        )

    def next_moment(self, now_ms: int) -> int | None:
        """Return when the next message is due, or None when the person has had their say."""
        rng = self._rng
        if rng.random() >= _ENDS_SHARE:
            if self._only is None:
                self._speaker = self._next_speaker()
                return now_ms + 4_000 + int(rng.random() ** 3 * 600_000)
            if rng.random() < _ENDS_SHARE:  # nobody answers: perhaps one more try
                return now_ms + int((0.2 + rng.random()) * _HOUR_MS)
        if not self.person.habit_days:
            return None
        self._begin()
        days = 1 + int(rng.expovariate(1 / self.person.habit_days))
        midnight = now_ms - (now_ms + self.person.business.offset_ms) % _DAY_MS
        midnight += self.person.business.offset_ms
        return midnight + days * _DAY_MS + _time_of_day(self.person, rng)

    def _begin(self) -> None:
        rng, identities = self._rng, self.person.identities
        if len(identities) > 1 and rng.random() > _SAME_CHANNEL_SHARE:
            self.identity = identities[int(rng.random() * len(identities))]
        agents = self.person.business.agents
        self._agent = agents[int(rng.random() * len(agents))]
        self._conversation_id, self._opened = None, False
        if rng.random() < self._agent_initiated_share:
            self._speaker = "outbound"
            self._only = None if rng.random() < _ANSWERED_SHARE else "outbound"
        else:
            self._speaker = "inbound"
            self._only = "inbound" if rng.random() < _IGNORED_SHARE else None

    def _next_speaker(self) -> Direction:
        if self._speaker == "inbound":
            return "outbound" if self._rng.random() < _REPLY_SHARE else "inbound"
        return "inbound" if self._rng.random() < _BACK_SHARE else "outbound"

    def _content(self, *, inbound: bool) -> Content:
        chance = self._rng.random()
        if inbound and chance < _REACTION_SHARE:
            return REACTIONS[int(chance / _REACTION_SHARE * len(REACTIONS))]
        if inbound and chance < _REACTION_SHARE + _PICTURE_SHARE:
            return PICTURE
        words = self.person.words if inbound else self.person.replies
        return words[int(self._rng.random() * len(words))]
