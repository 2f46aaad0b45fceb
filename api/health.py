"""Is the process there, and can it take what platforms deliver?"""

from http import HTTPStatus

from fastapi import APIRouter, Request

from api.live_view.view import LiveView
from api.problems import ProblemError

router = APIRouter(tags=["health"])


@router.get("/health/live", summary="The process answers")
async def live() -> dict[str, str]:
    """Answer while the process can."""
    return {"status": "live"}


@router.get("/health/ready", summary="Kafka takes what is delivered, and the view has caught up")
async def ready(request: Request) -> dict[str, str]:
    """Answer 200 once Kafka has been reached and every customer can be shown, 503 before.

    Webhooks are taken as soon as Kafka has been reached.
    """
    view: LiveView = request.app.state.view
    if not request.app.state.outbox.is_ready:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Kafka has not answered yet: is it running, are KAFKA_* set for it?",
        )
    if not view.is_ready:
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, view.progress.sentence)
    return {"status": "ready", "view": view.progress.sentence}
