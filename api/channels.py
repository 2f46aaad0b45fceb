"""A tenant's channels over REST: what they bring, and whether what they deliver is understood."""

from datetime import UTC, datetime
from functools import partial

import msgspec
from fastapi import APIRouter, Request, Response

from api.access.callers import Viewer
from api.live_view.channels import Channel, dead_letters, traffic
from api.openapi import page
from api.view import View
from api.webhooks.gateway import Gateway

router = APIRouter(prefix="/api/channels", tags=["channels"])


@router.get("", summary="List channels", responses={200: page(Channel)})
async def list_channels(caller: Viewer, view: View, request: Request) -> Response:
    """Return every channel that was ever heard of or is configured; there is one page."""
    gateway: Gateway = request.app.state.gateway
    found = await channels_of(caller.tenant_id, view, gateway)
    return Response(
        msgspec.json.encode({"items": found, "next": None}),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def channels_of(tenant_id: str, view: View, gateway: Gateway) -> list[Channel]:
    """Return the tenant's channels by their ids."""
    seen = await view.ask(partial(traffic, tenant_id=tenant_id, now=datetime.now(UTC)))
    dead = await view.ask(partial(dead_letters, tenant_id=tenant_id))
    by_id = {one.channel_id: one for one in seen}
    configured = gateway.configured(tenant_id)
    found = []
    for channel_id in sorted(by_id.keys() | configured.keys()):
        used, settings = by_id.get(channel_id), configured.get(channel_id)
        refused = gateway.refused(tenant_id, channel_id)
        found.append(
            Channel(
                channel_id=channel_id,
                channel_type=used.channel_type if used else None,
                platform=settings.platform if settings else None,
                name=settings.name if settings else None,
                is_configured=settings is not None,
                webhook=(
                    f"/webhooks/{settings.platform}/{tenant_id}/{channel_id}" if settings else None
                ),
                customers=used.customers if used else 0,
                messages_in=used.messages_in if used else 0,
                messages_out=used.messages_out if used else 0,
                messages_last_day=used.messages_last_day if used else 0,
                first_message_at=used.first_message_at if used else None,
                last_message_at=used.last_message_at if used else None,
                verification_failures=refused.count,
                last_verification_failure_at=refused.last_at,
                counted_since=gateway.counted_since,
                dead_letters=dead.get(channel_id, 0),
            )
        )
    return found
