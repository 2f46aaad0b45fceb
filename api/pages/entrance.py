"""Where one signs in, and where the address alone leads."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from api.access.gate import SIGN_IN_PATH
from api.pages.site import PageRoute, TheSite, TheVisit

router = APIRouter(include_in_schema=False, route_class=PageRoute)
HOME = "/customers"


@router.get("/")
async def home(_visit: TheVisit) -> Response:
    """Lead to the customers."""
    return RedirectResponse(HOME, HTTPStatus.SEE_OTHER)


@router.get(SIGN_IN_PATH)
async def sign_in(request: Request, site: TheSite, error: str = "", next: str = HOME) -> Response:  # noqa: A002 - as the gate calls it
    """Show the form; `POST /session` takes it."""
    reader = site.reader(request, None)
    return site.html(request, reader, "sign_in.html", error=error, next=next)
