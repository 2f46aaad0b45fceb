"""The addresses that platforms call: `/webhooks/{platform}/{tenantId}/{channelId}`."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from api.problems import ProblemError
from api.webhooks.gateway import LARGEST_BODY_BYTES, Gateway
from api.webhooks.signatures import Call

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

_PATH: Final = "/{platform}/{tenant_id}/{channel_id}"
# Vonage may deliver by GET; of the others a GET is Meta's handshake, or nothing.
_DELIVERS_BY_GET: Final = frozenset({"vonage"})


async def gateway_of(request: Request) -> Gateway:
    """Return the process's gateway."""
    gateway: Gateway = request.app.state.gateway
    return gateway


_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "Kafka has the body", "content": {"text/plain": {}, "text/xml": {}}},
    401: {"description": "Not signed by the platform"},
    403: {"description": "The handshake's token is another"},
    404: {"description": "There is no such channel"},
    413: {"description": "The body is larger than any platform's"},
    429: {"description": "More calls a second than agreed: come again"},
}
TheGateway = Annotated[Gateway, Depends(gateway_of)]


@router.post(
    _PATH,
    summary="Take what a platform delivers",
    response_class=PlainTextResponse,
    responses=_RESPONSES,
)
async def deliver(
    platform: str, tenant_id: str, channel_id: str, request: Request, gateway: TheGateway
) -> Response:
    """Answer 2xx once Kafka has the body, and only then."""
    channel = gateway.channel(platform, tenant_id, channel_id)
    call = _call(request, await _body(request), channel.public_url)
    content, media_type = await gateway.take(channel, call)
    return Response(content, media_type=media_type)


@router.get(
    _PATH,
    summary="Answer a platform's handshake, or take a delivery made by GET",
    response_class=PlainTextResponse,
    responses=_RESPONSES,
)
async def shake_hands(
    platform: str, tenant_id: str, channel_id: str, request: Request, gateway: TheGateway
) -> Response:
    """Answer Meta's challenge; take what a platform delivers in its query."""
    channel = gateway.channel(platform, tenant_id, channel_id)
    if platform in _DELIVERS_BY_GET:
        call = _call(request, b"", channel.public_url)
        content, media_type = await gateway.take(channel, call)
        return Response(content, media_type=media_type)
    challenge = gateway.handshake(channel, dict(request.query_params))
    return Response(challenge, media_type="text/plain")


async def _body(request: Request) -> bytes:
    """Return the raw body; what is larger than any platform's is not read to its end."""
    too_large = ProblemError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"a body has at most {LARGEST_BODY_BYTES // 1024 // 1024} MiB",
    )
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > LARGEST_BODY_BYTES:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY_BYTES:
            raise too_large
    return bytes(body)


def _call(request: Request, body: bytes, public_url: str | None) -> Call:
    """Return the call as the platform made it, whatever proxies stand between."""
    base = public_url or request.app.state.public_url
    url = str(request.url)
    if base:
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{base.rstrip('/')}{request.url.path}{query}"
    return Call(request.method, url, dict(request.headers), body)
