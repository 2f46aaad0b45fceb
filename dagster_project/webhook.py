"""A JSON document to a webhook, with retries. The address is a secret: it is said nowhere."""

import logging
from typing import Any, Final

import httpx2
import stamina

_TRIES: Final = 4
_TRIES_SECONDS: Final = 40.0  # a sensor's tick has a minute
_ANSWER_SECONDS: Final = 10.0


class AlertNotSentError(Exception):
    """Nobody was told. What failed is in Dagster all the same; mend ALERT_WEBHOOK_URL."""


class _LaterError(Exception):
    """The webhook cannot now: it may the next moment."""


def post(url: str, document: dict[str, Any]) -> None:
    """Have the webhook take the document. Raises AlertNotSentError."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs each address at INFO
    try:
        for attempt in stamina.retry_context(
            on=_LaterError, attempts=_TRIES, timeout=_TRIES_SECONDS, wait_initial=0.5, wait_max=8.0
        ):
            with attempt:
                _post(url, document)
    except _LaterError as error:
        raise AlertNotSentError(f"the webhook could not be reached: {error}") from None


def _post(url: str, document: dict[str, Any]) -> None:
    try:
        with httpx2.Client(timeout=_ANSWER_SECONDS, follow_redirects=False) as client:
            status = client.post(url, json=document).status_code
    except httpx2.TransportError as error:
        raise _LaterError(type(error).__name__) from None
    except httpx2.InvalidURL:
        raise AlertNotSentError("ALERT_WEBHOOK_URL is no address") from None
    if status == httpx2.codes.TOO_MANY_REQUESTS or status >= httpx2.codes.INTERNAL_SERVER_ERROR:
        raise _LaterError(f"it answered {status}")
    if not httpx2.codes.is_success(status):
        raise AlertNotSentError(f"the webhook refused: it answered {status}")
