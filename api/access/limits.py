"""How much one caller may ask: calls of a key, failed sign-ins of an address, sizes of bodies.

Counted in this process: with replicas, each grants its own.
"""

import logging
import math
import time
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import ProblemError, problem

logger = logging.getLogger(__name__)

MIB: Final = 1024 * 1024
LARGEST_BODY_BYTES: Final = MIB
LARGEST_IMPORT_BYTES: Final = 10 * MIB
# An import brings a file. The webhooks bound their bodies themselves: platforms send more.
_LARGER: Final = (("/api/imports", LARGEST_IMPORT_BYTES),)
_OWN_LIMIT: Final = "/webhooks/"
_NETWORK_BITS: Final = 64


class Rates:
    """Counts calls, and says when there were too many."""

    def __init__(self, *, calls_per_second: int, failures_per_minute: int) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._calls = RateLimitItemPerSecond(calls_per_second, namespace="calls")
        self._failures = RateLimitItemPerMinute(failures_per_minute, namespace="failures")

    async def count_call(self, key_id: str) -> None:
        """Count a call made with a key. Raises ProblemError (429)."""
        await self._count(self._calls, key_id, "more calls a second than a key has")

    async def count_failure(self, address: str) -> None:
        """Count a call with a wrong key. Raises ProblemError (429).

        Right keys are never held up: no guess ever finds 256 bits, and whoever shares an address
        with a program that has an old key must not be locked out by it.
        """
        who = network(address)
        await self._count(self._failures, who, "too many wrong keys from this address")
        logger.warning("A wrong key from %s", who)

    async def _count(self, item: RateLimitItem, who: str, what: str) -> None:
        if await self._limiter.hit(item, who):
            return
        window = await self._limiter.get_window_stats(item, who)
        seconds = max(1, math.ceil(window.reset_time - time.time()))
        raise ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"{what}: come again in {seconds} s",
            headers={"Retry-After": str(seconds)},
        )


def network(address: str) -> str:
    """Return whose an address is: of IPv6, one household or server has 64 bits of them."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> _NETWORK_BITS << _NETWORK_BITS))


class BodyLimit:
    """Answers 413 to a body that says it is too large, unread, and to one that becomes so.

    Starlette has such a middleware; it answers in plain text, and this API in problem details.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, its body bounded."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN_LIMIT):
            await self._app(scope, receive, send)
            return
        at_most = largest_body(scope["path"])
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdecimal() or int(length) > at_most:
            answer = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large(at_most))
            await answer(scope, receive, send)
            return
        read = 0

        async def receive_bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > at_most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_large(at_most))
            return message

        await self._app(scope, receive_bounded, send)


def largest_body(path: str) -> int:
    """Return how many bytes a call of this path may bring."""
    return next((size for prefix, size in _LARGER if path.startswith(prefix)), LARGEST_BODY_BYTES)


def too_large(at_most: int) -> str:
    """Return what to tell whoever sent more."""
    return f"the body may have {at_most // MIB} MiB: send less at once"
