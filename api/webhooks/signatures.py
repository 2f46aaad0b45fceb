"""Is this call the platform's? One rule a platform, over the raw bytes, in constant time.

Pure: `now` is given. Sources of the schemes: each platform's webhook reference, as gathered in
docs/channels.md; sample signatures in tests/payloads/SIGNATURES.json.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from streams.channels.document import object_of
from streams.channels.reading import Unreadable

Refusal = Literal[
    "signature_missing",  # nothing that could be verified came with the call
    "signature_wrong",  # it was made with another secret, or over other bytes
    "signature_stale",  # it was right once: the call is being repeated
]

# A call of this age is no replay but a redelivery: platforms repeat for a day what we could not
# take, with the signature of the first time. What was taken already changes nothing.
_STALE_AFTER_SECONDS: Final = 25 * 60 * 60
_AHEAD_SECONDS: Final = 5 * 60
_MILLISECONDS_FROM: Final = 100_000_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as it arrived: header names in lower case, `url` as the platform called
    it, with its query.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> str:
        """Return what stands after the question mark."""
        return urlsplit(self.url).query


Verifier = Callable[[Call, str, int], Refusal | None]


def refusal(platform: str, call: Call, secrets: Sequence[str], now_seconds: int) -> Refusal | None:
    """Return why the call is not the platform's; None if one of the secrets says that it is.

    Without a secret nothing can be verified, so everything is refused.
    """
    verify = VERIFIERS.get(platform, _token)
    found: Refusal = "signature_missing"
    for secret in secrets:
        if not secret:
            continue
        refused = verify(call, secret, now_seconds)
        if refused is None:
            return None
        # The one that got furthest says why.
        found = max(found, refused, key=_FURTHEST.index)
    return found


_FURTHEST: Final[Sequence[Refusal]] = (
    "signature_missing",
    "signature_wrong",
    "signature_stale",
)


def is_same(given: str, expected: str) -> bool:
    """Say whether two secrets are one, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(
        given.encode("utf-8", "surrogateescape"), expected.encode("utf-8", "surrogateescape")
    )


def _hex(secret: str, message: bytes, algorithm: str) -> str:
    return hmac.new(secret.encode(), message, algorithm).hexdigest()


def _judged(given: str | None, *expected: str) -> Refusal | None:
    if not given:
        return "signature_missing"
    # Every one is compared, so that the time taken tells nothing.
    matches = [is_same(given, one) for one in expected]
    return None if any(matches) else "signature_wrong"


def _fresh(timestamp: str | None, now_seconds: int) -> Refusal | None:
    if timestamp is None or not (timestamp.isascii() and timestamp.isdigit()):
        return "signature_missing"
    at_seconds = int(timestamp)
    if at_seconds >= _MILLISECONDS_FROM:
        at_seconds //= 1000
    is_fresh = now_seconds - _STALE_AFTER_SECONDS <= at_seconds <= now_seconds + _AHEAD_SECONDS
    return None if is_fresh else "signature_stale"


def _meta(call: Call, secret: str, _now_seconds: int) -> Refusal | None:
    # SHA-1's older header is never enough.
    given = call.headers.get("x-hub-signature-256")
    return _judged(given, f"sha256={_hex(secret, call.body, 'sha256')}")


def _telegram(call: Call, secret: str, _now_seconds: int) -> Refusal | None:
    return _judged(call.headers.get("x-telegram-bot-api-secret-token"), secret)


def _intercom(call: Call, secret: str, _now_seconds: int) -> Refusal | None:
    given = call.headers.get("x-hub-signature")
    return _judged(given, f"sha1={_hex(secret, call.body, 'sha1')}")


def _tawk(call: Call, secret: str, _now_seconds: int) -> Refusal | None:
    return _judged(call.headers.get("x-tawk-signature"), _hex(secret, call.body, "sha1"))


def _rocketchat(call: Call, secret: str, _now_seconds: int) -> Refusal | None:
    return _judged(call.headers.get("x-rocketchat-livechat-token"), secret)


def _waha(call: Call, secret: str, _now_seconds: int) -> Refusal | None:
    return _judged(call.headers.get("x-webhook-hmac"), _hex(secret, call.body, "sha512"))


def _chatwoot(call: Call, secret: str, now_seconds: int) -> Refusal | None:
    timestamp = call.headers.get("x-chatwoot-timestamp")
    signed = f"{timestamp}.".encode() + call.body
    given = call.headers.get("x-chatwoot-signature")
    refused = _judged(given, f"sha256={_hex(secret, signed, 'sha256')}")
    return refused or _fresh(timestamp, now_seconds)


def _crisp(call: Call, secret: str, now_seconds: int) -> Refusal | None:
    timestamp = call.headers.get("x-crisp-request-timestamp")
    signed = f"[{timestamp};".encode() + call.body + b"]"
    refused = _judged(call.headers.get("x-crisp-signature"), _hex(secret, signed, "sha256"))
    return refused or _fresh(timestamp, now_seconds)


def _twilio(call: Call, secret: str, _now_seconds: int) -> Refusal | None:
    given = call.headers.get("x-twilio-signature")
    fields = dict[str, set[str]]()
    body_digest = next((v for n, v in parse_qsl(call.query) if n == "bodySHA256"), None)
    if body_digest is not None:
        if not is_same(body_digest.lower(), hashlib.sha256(call.body).hexdigest()):
            return "signature_wrong" if given else "signature_missing"
    elif call.method == "POST":
        for name, value in _pairs(call.body):
            fields.setdefault(name, set()).add(value)
    said = "".join(f"{name}{value}" for name in sorted(fields) for value in sorted(fields[name]))
    return _judged(
        given,
        *(
            base64.b64encode(
                hmac.digest(secret.encode(), f"{url}{said}".encode("utf-8", "replace"), "sha1")
            ).decode()
            for url in _with_and_without_port(call.url)
        ),
    )


def _with_and_without_port(url: str) -> tuple[str, str]:
    """Return the two forms that Twilio may have signed: proxies add and drop the usual port."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = 443 if parts.scheme == "https" else 80
    try:
        other = host if parts.port else f"{host}:{port}"
    except ValueError:  # no number
        return url, url
    return url, urlunsplit(parts._replace(netloc=other))


def _pairs(body: bytes) -> list[tuple[str, str]]:
    text = body.decode("utf-8", "replace")
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=2_000)
    except ValueError:  # too many: nothing that Twilio sends
        return []


_VONAGE_ALGORITHMS: Final = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}


def _vonage(call: Call, secret: str, now_seconds: int) -> Refusal | None:
    fields = _vonage_fields(call)
    given = fields.pop("sig", "")
    algorithm = _VONAGE_ALGORITHMS.get(len(given))
    if algorithm is None:
        return "signature_wrong" if given else "signature_missing"
    signed = "".join(
        f"&{name}={value.replace('&', '_').replace('=', '_')}"
        for name, value in sorted(fields.items())
    )
    message = signed.encode("utf-8", "replace")
    refused = _judged(given.lower(), _hex(secret, message, algorithm))
    return refused or _fresh(fields.get("timestamp"), now_seconds)


def _vonage_fields(call: Call) -> dict[str, str]:
    """Return the parameters, in whichever of its three ways Vonage sent them."""
    if call.method == "GET":
        return dict(_pairs(call.query.encode()))
    if "json" in call.headers.get("content-type", ""):
        document = object_of(call.body)
        if isinstance(document, Unreadable):
            return {}
        return {name: str(value) for name, value in document.value.items() if value is not None}
    return dict(_pairs(call.body))


def _postmark(call: Call, secret: str, _now_seconds: int) -> Refusal | None:
    """Postmark signs nothing: `user:password` in the address it is given comes as basic auth."""
    kind, _, given = call.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return _token(call, secret, _now_seconds)
    return _judged(given, base64.b64encode(secret.encode()).decode())


def _token(call: Call, secret: str, _now_seconds: int) -> Refusal | None:
    """Gateways that sign nothing send a header of our choosing, or call an address with a token."""
    kind, _, bearer = call.headers.get("authorization", "").partition(" ")
    given = (
        (bearer if kind.lower() == "bearer" else "")
        or call.headers.get("x-webhook-token")
        or call.headers.get("client-token")
        or next((value for name, value in parse_qsl(call.query) if name == "token"), None)
    )
    return _judged(given, secret)


VERIFIERS: Final[Mapping[str, Verifier]] = {
    "whatsapp": _meta,
    "messenger": _meta,
    "instagram": _meta,
    "telegram": _telegram,
    "twilio": _twilio,
    "vonage": _vonage,
    "postmark": _postmark,
    "chatwoot": _chatwoot,
    "crisp": _crisp,
    "intercom": _intercom,
    "tawk": _tawk,
    "rocketchat": _rocketchat,
    "waha": _waha,
}
