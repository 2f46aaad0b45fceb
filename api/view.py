"""The process's live view, as routes ask for it."""

from typing import Annotated

from fastapi import Depends, Request

from api.live_view.view import LiveView


async def view_of(request: Request) -> LiveView:
    """Return the process's view."""
    view: LiveView = request.app.state.view
    return view


View = Annotated[LiveView, Depends(view_of)]
