"""The businesses people write to, with their channels. Plain data; the n-th is always the same."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from streams.contracts.messages import Channel

# How a platform writes the time: from milliseconds since the epoch.
TimeForm = Callable[[int], str | int]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Inbox:
    """One channel of a business: how it writes people's ids and times, and how used it is."""

    tenant_id: str
    channel: Channel
    address: str  # the business's own id there
    prefix: str  # before a phone's digits: "", "+" or "whatsapp:+"
    weight: int
    timestamp: TimeForm
    whole_seconds: bool
    number: int  # counts the inboxes of all businesses


@dataclass(frozen=True, slots=True)
class Business:
    """A tenant: where it is, who writes to it, and who answers."""

    id: str
    zone: ZoneInfo
    offset_ms: int  # of its winter's clocks: enough to give days their rhythm
    cultures: tuple[str, ...]  # repeated by weight
    agents: tuple[str, ...]
    inboxes: tuple[Inbox, ...]


def epoch_seconds(ms: int) -> int:
    return ms // 1000


def epoch_milliseconds(ms: int) -> int:
    return ms


def epoch_seconds_digits(ms: int) -> str:
    return str(ms // 1000)


def epoch_milliseconds_digits(ms: int) -> str:
    return str(ms)


def rfc_3339_utc(ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="seconds")[:-6] + "Z"


def rfc_3339_in(zone: ZoneInfo) -> TimeForm:
    """Return a form with the zone's own offset and milliseconds."""

    def form(ms: int) -> str:
        moment = (EPOCH + timedelta(milliseconds=ms)).astimezone(zone)
        return moment.isoformat(timespec="milliseconds")

    return form


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A business before its channels have ids."""

    name: str
    zone: str
    cultures: str
    agents: tuple[str, ...]
    channels: tuple[tuple[str, str, str, str, int], ...]  # id, type, prefix, address, weight


_SKETCHES = (
    _Sketch(
        "aurora-moda",
        "America/Sao_Paulo",
        "BR BR BR BR BR BR PT AR IL",
        ("agente-bia", "agente-rui", "bot-aurora"),
        (
            ("whatsapp-loja", "whatsapp", "", "551130001000", 45),
            ("sms-avisos", "sms", "+", "+551130002000", 12),
            ("telegram-loja", "telegram", "", "aurora_moda_bot", 10),
            ("webchat-site", "webchat", "", "site", 19),
            ("email-sac", "email", "", "sac@aurora-moda.example", 14),
        ),
    ),
    _Sketch(
        "lakeside-clinic",
        "America/Chicago",
        "US US US US IN IN BR NG EG",
        ("agent-dana", "agent-omar"),
        (
            ("whatsapp-desk", "whatsapp", "whatsapp:+", "whatsapp:+13125550100", 25),
            ("sms-reminders", "sms", "+", "+13125550101", 40),
            ("webchat-portal", "webchat", "", "portal", 20),
            ("messenger-page", "messenger", "", "101558200100200", 15),
        ),
    ),
    _Sketch(
        "kuhn-reisen",
        "Europe/Berlin",
        "DE DE DE DE NG IN EG IL AR",
        ("agent-uwe", "agent-aylin"),
        (
            ("whatsapp-reisen", "whatsapp", "", "493020001000", 45),
            ("telegram-reisen", "telegram", "", "kuhn_reisen_bot", 20),
            ("webchat-reisen", "webchat", "", "reisen", 12),
            ("email-service", "email", "", "service@kuhn-reisen.example", 23),
        ),
    ),
)


def _winter_offset_ms(zone: ZoneInfo) -> int:
    midnight = datetime(2024, 1, 1)  # noqa: DTZ001 - read once as there, once as in UTC
    return (midnight.replace(tzinfo=UTC) - midnight.replace(tzinfo=zone)) // _MILLISECOND


def _form(channel_type: str, zone: ZoneInfo) -> tuple[TimeForm, bool]:
    """Return how platforms of that type write times, and whether whole seconds is all they keep."""
    forms: dict[str, tuple[TimeForm, bool]] = {
        "whatsapp": (epoch_seconds_digits, True),
        "telegram": (epoch_seconds, True),
        "sms": (rfc_3339_utc, True),
        "messenger": (epoch_milliseconds, False),
        "webchat": (epoch_milliseconds_digits, False),
        "email": (rfc_3339_in(zone), False),
    }
    return forms[channel_type]


def businesses(count: int) -> tuple[Business, ...]:
    """Return the first `count` businesses; past the sketched ones they repeat under new names."""
    result: list[Business] = []
    numbered = 0
    for number in range(count):
        sketch = _SKETCHES[number % len(_SKETCHES)]
        again = number // len(_SKETCHES)
        tenant_id = f"{sketch.name}-{again + 1}" if again else sketch.name
        zone = ZoneInfo(sketch.zone)
        inboxes = []
        for channel_id, channel_type, prefix, address, weight in sketch.channels:
            form, whole_seconds = _form(channel_type, zone)
            channel = Channel(id=channel_id, type=channel_type)
            inboxes.append(
                Inbox(
                    tenant_id=tenant_id,
                    channel=channel,
                    address=address,
                    prefix=prefix,
                    weight=weight,
                    timestamp=form,
                    whole_seconds=whole_seconds,
                    number=numbered,
                )
            )
            numbered += 1
        result.append(
            Business(
                id=tenant_id,
                zone=zone,
                offset_ms=_winter_offset_ms(zone),
                cultures=tuple(sketch.cultures.split()),
                agents=sketch.agents,
                inboxes=tuple(inboxes),
            )
        )
    return tuple(result)
