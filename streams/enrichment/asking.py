"""Asking platforms over HTTP, with patience and manners: time limits, a few quick retries, a rate
and a circuit breaker a channel. What does not work now is asked later, by whoever called.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import httpx2
import stamina
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from streams.channels.document import Document, value_of
from streams.channels.reading import Unreadable
from streams.enrichment.pictures import picture_in
from streams.enrichment.profiles import Ask

_ANSWER_SECONDS: Final = 10.0
_TRIES: Final = 3
_TRIES_SECONDS: Final = 25.0
# For the whole of an answer: the client's limit is between two bytes, which may come one by one.
_WHOLE_SECONDS: Final = 20.0
_FAILURES_UNTIL_OPEN: Final = 5
_OPEN_SECONDS: Final = 60.0
_LARGEST_ANSWER_BYTES: Final = 1024 * 1024
_SHORTEST_WAIT_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 24 * 3600.0

Found = TypeVar("Found")


class LaterError(Exception):
    """Not now: ask again after so many seconds at least."""

    def __init__(self, why: str, seconds: float = 0.0) -> None:
        super().__init__(why)
        self.seconds = seconds


class DeniedError(Exception):
    """The platform will not answer this, however often it is asked."""


class _FailedError(Exception):
    """The platform failed to answer: it may the next moment."""


class Asker:
    """Asks for channels, each within its rate; a channel that fails is left alone for a while."""

    def __init__(
        self,
        *,
        open_seconds: float = _OPEN_SECONDS,
        answer_seconds: float = _ANSWER_SECONDS,
        whole_seconds: float = _WHOLE_SECONDS,
    ) -> None:
        # Redirects are not followed: they could lead inside somebody's network.
        self._client = httpx2.AsyncClient(timeout=answer_seconds, follow_redirects=False)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=_FAILURES_UNTIL_OPEN,
            default_ttl=open_seconds,
            exclude=[LaterError, DeniedError],
        )
        self._open_seconds = open_seconds
        self._whole_seconds = whole_seconds

    async def close(self) -> None:
        """Leave all connections."""
        await self._client.aclose()

    async def answer(self, channel: str, calls_per_minute: int, ask: Ask) -> Document:
        """Return the JSON object that the platform answers. Raises LaterError, DeniedError."""

        async def read(response: httpx2.Response) -> Document:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST_ANSWER_BYTES:
                    raise DeniedError(f"an answer of more than {_LARGEST_ANSWER_BYTES:,} bytes")
            value = value_of(bytes(body))
            return Document({}) if isinstance(value, Unreadable) else Document(value)

        return await self._ask(channel, calls_per_minute, ask, read)

    async def picture(self, channel: str, calls_per_minute: int, ask: Ask) -> bytes:
        """Return the picture. Raises LaterError, DeniedError, NoPictureError."""

        async def read(response: httpx2.Response) -> bytes:
            return await picture_in(response.aiter_bytes())

        return await self._ask(channel, calls_per_minute, ask, read)

    async def _ask(
        self,
        channel: str,
        calls_per_minute: int,
        ask: Ask,
        read: Callable[[httpx2.Response], Awaitable[Found]],
    ) -> Found:
        if not await self._limiter.hit(RateLimitItemPerMinute(calls_per_minute), channel):
            raise LaterError("the channel's rate is used up", 60.0 / calls_per_minute)
        try:
            async with await self._breakers.get_breaker(channel):
                async for attempt in stamina.retry_context(
                    on=(_FailedError, httpx2.TransportError),
                    attempts=_TRIES,
                    timeout=_TRIES_SECONDS,
                    wait_initial=0.2,
                    wait_max=2.0,
                ):
                    with attempt:
                        return await self._whole(ask, read)
        except OpenedState as error:
            raise LaterError("the channel fails; it is left alone", self._open_seconds) from error
        except (_FailedError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            # Not the error's own words: they hold the address, and that may hold a token.
            raise LaterError(f"the platform failed to answer ({type(error).__name__})") from None
        raise AssertionError("the last try answers or raises")

    async def _whole(self, ask: Ask, read: Callable[[httpx2.Response], Awaitable[Found]]) -> Found:
        try:
            async with asyncio.timeout(self._whole_seconds), self._response(ask) as response:
                return await read(response)
        except TimeoutError:
            raise _FailedError("it takes too long") from None

    @asynccontextmanager
    async def _response(self, ask: Ask) -> AsyncIterator[httpx2.Response]:
        async with self._client.stream(
            ask.method, ask.url, headers=dict(ask.headers), json=ask.json
        ) as response:
            status = response.status_code
            if status == httpx2.codes.TOO_MANY_REQUESTS:
                raise LaterError("the platform asks for patience", _patience(response))
            if status >= httpx2.codes.INTERNAL_SERVER_ERROR:
                raise _FailedError(f"status {status}")
            if not response.is_success:
                raise DeniedError(f"status {status}")
            yield response


def _patience(response: httpx2.Response) -> float:
    """Return how long the platform asks to wait, within reason."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        seconds = 60.0  # a date, or nothing
    return min(max(seconds, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
