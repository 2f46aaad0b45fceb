"""Is the process there, and can it take what platforms deliver?"""

from http import HTTPStatus

from fastapi import APIRouter, Request

from api.problems import ProblemError

router = APIRouter(tags=["health"])


@router.get("/health/live", summary="The process answers")
async def live() -> dict[str, str]:
    """Answer while the process can."""
    return {"status": "live"}


@router.get("/health/ready", summary="Kafka takes what is delivered")
async def ready(request: Request) -> dict[str, str]:
    """Answer 200 once Kafka has been reached, 503 before."""
    if not request.app.state.outbox.is_ready:
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Kafka has not answered yet: is it running, are KAFKA_* set for it?",
        )
    return {"status": "ready"}
