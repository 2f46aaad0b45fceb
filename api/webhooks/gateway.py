"""What becomes of one call: verified, bounded, on Kafka before it is answered.

Knows no platform's format: a body that cannot be read is still the platform's, goes to Kafka as
it is, and is set aside by the worker. So nothing is asked for twice that will never be readable.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from api.outbox import Header, NotTakenError, Outbox
from api.problems import ProblemError
from api.webhooks.signatures import Call, is_same, refusal
from streams import topics
from streams.channel_file import Channels, ChannelSettings

logger = logging.getLogger(__name__)

# Meta's batches come up to 3 MB; nobody sends more.
LARGEST_BODY_BYTES: Final = 4 * 1024 * 1024
# Of what was refused on one channel: who calls without a signature must not fill the log, nor
# take anything of what the platform may deliver.
_LINES_A_MINUTE: Final = RateLimitItemPerMinute(10)
_COME_AGAIN_SECONDS: Final = "10"
_TWIML: Final = (b"<Response/>", "text/xml")


@dataclass(frozen=True, slots=True)
class Refused:
    """Calls to a channel's webhook that were not the platform's, and when the last one came."""

    count: int = 0
    last_at: datetime | None = None


class Gateway:
    """Takes the calls of all configured channels; counts those that it refuses."""

    def __init__(
        self,
        channels: Channels,
        outbox: Outbox,
        *,
        calls_per_second: int,
        topic_prefix: str,
        now_seconds: Callable[[], int],
    ) -> None:
        self._channels = channels
        self._outbox = outbox
        self._now_seconds = now_seconds
        self._topic_prefix = topic_prefix
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._calls = RateLimitItemPerSecond(calls_per_second)
        self._refused: dict[tuple[str, str], Refused] = {}
        self.counted_since = self._now()

    def configured(self, tenant_id: str) -> dict[str, ChannelSettings]:
        """Return the tenant's configured channels by their ids."""
        return {
            channel_id: settings
            for (tenant, channel_id), settings in self._channels.items()
            if tenant == tenant_id
        }

    def refused(self, tenant_id: str, channel_id: str) -> Refused:
        """Return what was refused on a channel since this process began."""
        return self._refused.get((tenant_id, channel_id), Refused())

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._now_seconds(), UTC)

    def channel(self, platform: str, tenant_id: str, channel_id: str) -> ChannelSettings:
        """Return the configured channel at this address. Raises ProblemError: nobody is let in by
        leaving the configuration out.
        """
        found = self._channels.get((tenant_id, channel_id))
        if found is None or found.platform != platform:
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                "no such channel: add it, with its secret, to the channels file "
                "(OMNICHANNEL_CHANNELS_FILE), and check platform, tenant and channel id in the "
                "address",
            )
        return found

    def handshake(self, channel: ChannelSettings, parameters: Mapping[str, str]) -> str:
        """Return the challenge that Meta wants back. Raises ProblemError where the token is not
        the one that was agreed.
        """
        agreed = channel.verify_token.get_secret_value() if channel.verify_token else ""
        is_agreed = is_same(parameters.get("hub.verify_token", ""), agreed) and bool(agreed)
        challenge = parameters.get("hub.challenge")
        if parameters.get("hub.mode") != "subscribe" or challenge is None or not is_agreed:
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                "the handshake's hub.verify_token is not the channel's verify_token",
            )
        return challenge

    async def take(self, channel: ChannelSettings, call: Call) -> tuple[bytes, str]:
        """Have Kafka hold the body; return what to answer, and its media type.

        Raises ProblemError: 401 for what is not the platform's, 429 beyond the rate, 503 where
        Kafka has not got it. All but the first ask the platform to come again.
        """
        who = (channel.tenant, channel.id)
        secrets = [secret.get_secret_value() for secret in channel.secrets]
        refused = refusal(channel.platform, call, secrets, self._now_seconds())
        if refused is not None:
            self._refused[who] = Refused(self.refused(*who).count + 1, self._now())
            if await self._limiter.hit(_LINES_A_MINUTE, *who):
                logger.warning(
                    "Refused a call for channel %s of %s: %s", channel.id, channel.tenant, refused
                )
            raise ProblemError(HTTPStatus.UNAUTHORIZED, _ADVICE[refused])
        if not await self._limiter.hit(self._calls, *who):
            raise _come_again(HTTPStatus.TOO_MANY_REQUESTS, "more calls a second than agreed")
        topic = topics.full_name(topics.NATIVE[channel.platform], self._topic_prefix)
        try:
            # No key: bodies spread over the partitions. Nothing rests on their order.
            await self._outbox.put(topic, call.body, _headers(channel, call))
        except NotTakenError as error:
            logger.warning(
                "A body for channel %s of %s was not taken: %s", channel.id, channel.tenant, error
            )
            raise _come_again(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from error
        return _TWIML if channel.platform == "twilio" else (b"", "text/plain")


_ADVICE: Final = {
    "signature_missing": "the call is not signed: set the channel's secret at the platform, and in "
    "the channels file",
    "signature_wrong": "the signature is not ours: is the secret in the channels file the "
    "platform's, and does a proxy change the body or the address (API_PUBLIC_URL)?",
    "signature_stale": "the call was signed too long ago: is this machine's clock right?",
}


def _come_again(status: HTTPStatus, detail: str) -> ProblemError:
    return ProblemError(
        status, f"{detail}: deliver it again later", headers={"Retry-After": _COME_AGAIN_SECONDS}
    )


def _headers(channel: ChannelSettings, call: Call) -> list[Header]:
    headers = [
        ("tenantId", channel.tenant.encode()),
        ("channelId", channel.id.encode()),
    ]
    if content_type := call.headers.get("content-type"):
        headers.append(("contentType", content_type.encode("utf-8", "replace")))
    if call.method == "GET":
        headers.append(("query", call.query.encode("utf-8", "replace")))
    return headers
