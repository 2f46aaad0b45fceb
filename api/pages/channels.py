"""The channels: what each brings, and whether what it delivers is understood."""

from fastapi import APIRouter, Response

from api.channels import channels_of
from api.pages.site import PageRoute, TheVisit
from api.view import View

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/channels")
async def listed(visit: TheVisit, view: View) -> Response:
    """Show every channel that was ever heard of or is configured."""
    gateway = visit.request.app.state.gateway
    return visit.html("channels.html", channels=await channels_of(visit.tenant_id, view, gateway))
