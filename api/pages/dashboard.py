"""The dashboard: the warehouse's figures as charts, and the three of this moment."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Query, Response

from api.live_view.stats import CustomerStats, customer_stats
from api.pages import charts
from api.pages.figures import Figures, figures
from api.pages.site import PageRoute, TheVisit, Visit
from api.problems import ProblemError
from api.view import View
from warehouse.errors import WarehouseError
from warehouse.queries import Grain

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/dashboard")
async def dashboard(
    visit: TheVisit, view: View, grain: Annotated[Grain, Query()] = "week"
) -> Response:
    """Show the figures; where the warehouse has none, what to do."""
    path: Path = visit.request.app.state.published_path
    zone = view.time_zone(visit.tenant_id)
    stats: CustomerStats | None = None
    try:
        stats = await view.ask(
            partial(
                customer_stats,
                tenant_id=visit.tenant_id,
                now=datetime.now(UTC),
                time_zone=zone,
            )
        )
    except ProblemError:
        stats = None  # the view catches up; the warehouse's figures are there meanwhile
    try:
        found = await anyio.to_thread.run_sync(figures, path, visit.tenant_id, grain)
    except WarehouseError:
        found = None
    if found is None:
        return visit.html("dashboard_empty.html", stats=stats)
    if stats is None:
        stats = CustomerStats(**found.stats)
    return visit.html(
        "dashboard.html", grain=grain, found=found, stats=stats, **_drawn(found, grain, visit)
    )


def _drawn(found: Figures, grain: Grain, visit: Visit) -> Mapping[str, Any]:
    formats = visit.reader.formats
    colours = charts.colours_of(found.channels)
    weeks, cohorts = charts.retention(found.retention, formats)
    return {
        "growth": charts.growth(found.growth, grain, colours, formats, visit.say),
        "activity": charts.activity(found.activity, formats, visit.say),
        "lifecycle": charts.lifecycle(found.lifecycle, formats, visit.say),
        "first_responses": charts.first_responses(found.performance, visit.say),
        "cohorts": cohorts,
        "cohort_weeks": weeks,
        "heat_map": charts.heat_map(found.heat_map, formats),
    }
