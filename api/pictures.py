"""Customers' pictures, by the hash of what they show.

Any key opens them, whichever tenant's: who knows the hash of a picture has seen it already, in a
customer's record or elsewhere, and one picture may be of customers of several tenants.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse

from api.access.callers import Viewer
from api.problems import ProblemError
from streams.enrichment.pictures import MEDIA_TYPES, Pictures

router = APIRouter(tags=["pictures"])

_NAME = Path(pattern=r"^[0-9a-f]{64}\.(jpg|png|gif|webp)$")


@router.get(
    "/pictures/{name}",
    summary="A customer's picture",
    response_class=FileResponse,
    responses={
        200: {
            "description": "The picture",
            "content": {media_type: {} for media_type in MEDIA_TYPES.values()},
        },
        404: {"description": "There is no such picture"},
    },
)
def picture(name: Annotated[str, _NAME], request: Request, _caller: Viewer) -> FileResponse:
    """Return the picture; it never changes under its name."""
    pictures: Pictures = request.app.state.pictures
    path = pictures.path(name)
    if not path.is_file():
        raise ProblemError(HTTPStatus.NOT_FOUND, "there is no such picture")
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[path.suffix.removeprefix(".")],
        headers={
            "Cache-Control": "private, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'",
        },
    )
