"""What to ask each platform for a person's profile, and what its answer says. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

from streams.channel_file import Enrichment
from streams.channels.document import Document
from streams.channels.jids import bare

TELEGRAM_API: Final = "https://api.telegram.org"
META_API: Final = "https://graph.facebook.com/v23.0"
ZAPI_API: Final = "https://api.z-api.io"
# Where platforms keep pictures; beyond these only the host that was configured is asked.
_PICTURE_HOSTS: Final = (
    "whatsapp.net",
    "fbcdn.net",
    "fbsbx.com",
    "cdninstagram.com",
    "telegram.org",
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. Address and headers may carry a secret: neither is logged."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What a platform says of a person; `picture` is a request, for it may need a secret too."""

    name: str | None = None
    picture: Ask | None = None


NOTHING: Final = Profile()
Next = Ask | Profile


@dataclass(frozen=True, slots=True)
class Step:
    """A request, and what its answer leads to: another step, or the profile."""

    ask: Ask
    then: Callable[[Document], "Step | Profile"]


def first_step(settings: Enrichment, platform: str, external_id: str) -> Step:
    """Return where to begin for this person. Raises KeyError for a platform without profiles."""
    return _STEPS[settings.via or platform](settings, external_id)


def _telegram(settings: Enrichment, user_id: str) -> Step:
    base = _base(settings, TELEGRAM_API)
    token = settings.api_key.get_secret_value()

    def largest(answer: Document) -> Step | Profile:
        photos = answer.child("result").value.get("photos")
        # Of each photo the same picture in several sizes, the largest last.
        first = photos[0] if isinstance(photos, list) and photos else None
        sizes = Document({"sizes": first}).children("sizes")
        file_id = sizes[-1].text("file_id") if sizes else None
        if file_id is None:
            return NOTHING
        ask = Ask("GET", f"{base}/bot{token}/getFile?file_id={quote(file_id)}")
        return Step(ask, path)

    def path(answer: Document) -> Profile:
        file_path = answer.text("result", "file_path")
        if file_path is None:
            return NOTHING
        return Profile(picture=Ask("GET", f"{base}/file/bot{token}/{quote(file_path)}"))

    url = f"{base}/bot{token}/getUserProfilePhotos?user_id={quote(user_id)}&limit=1"
    return Step(Ask("GET", url), largest)


def _evolution(settings: Enrichment, external_id: str) -> Step:
    url = f"{_base(settings)}/chat/fetchProfilePictureUrl/{quote(settings.instance or '')}"
    number = external_id if "@lid" in external_id else bare(external_id)
    ask = Ask("POST", url, {"apikey": settings.api_key.get_secret_value()}, {"number": number})
    return Step(ask, lambda answer: _at(answer.text("profilePictureUrl"), settings))


def _waha(settings: Enrichment, external_id: str) -> Step:
    contact = external_id if "@" in external_id else f"{bare(external_id)}@c.us"
    session = quote(settings.instance or "default")
    query = f"contactId={quote(contact)}&session={session}"
    url = f"{_base(settings)}/api/contacts/profile-picture?{query}"
    ask = Ask("GET", url, {"X-Api-Key": settings.api_key.get_secret_value()})
    return Step(ask, lambda answer: _at(answer.text("profilePictureURL"), settings))


def _zapi(settings: Enrichment, external_id: str) -> Step:
    token, client_token = settings.api_key.get_secret_value(), settings.client_token
    instance = quote(settings.instance or "")
    url = (
        f"{_base(settings, ZAPI_API)}/instances/{instance}/token/{quote(token)}"
        f"/profile-picture?phone={quote(bare(external_id))}"
    )
    headers = {"Client-Token": client_token.get_secret_value()} if client_token else {}
    return Step(Ask("GET", url, headers), lambda answer: _at(answer.text("link"), settings))


def _meta(settings: Enrichment, external_id: str) -> Step:
    url = f"{_base(settings, META_API)}/{quote(external_id)}?fields=name,profile_pic"
    ask = Ask("GET", url, {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"})

    def profile(answer: Document) -> Profile:
        found = _at(answer.text("profile_pic"), settings)
        return Profile(answer.text("name"), found.picture)

    return Step(ask, profile)


_STEPS: Final[Mapping[str, Callable[[Enrichment, str], Step]]] = {
    "telegram": _telegram,
    "evolution": _evolution,
    "waha": _waha,
    "zapi": _zapi,
    "messenger": _meta,
    "instagram": _meta,
}
PLATFORMS_WITH_PROFILES: Final = frozenset(_STEPS)


def _base(settings: Enrichment, default: str = "") -> str:
    return (settings.api_url or default).rstrip("/")


def _at(url: str | None, settings: Enrichment) -> Profile:
    """Return the picture at an address that the platform gave, where that is one of its own: an
    answer must not send us to ask inside somebody's network.
    """
    if url is None:
        return NOTHING
    try:
        host = urlsplit(url).hostname or ""
        scheme = urlsplit(url).scheme
    except ValueError:
        return NOTHING
    own = urlsplit(settings.api_url or "").hostname
    is_platforms = any(host == known or host.endswith(f".{known}") for known in _PICTURE_HOSTS)
    is_asked = (scheme == "https" and is_platforms) or (own is not None and host == own)
    return Profile(picture=Ask("GET", url)) if is_asked else NOTHING
