"""All pages, as the application takes them: wiring only."""

import logging
from pathlib import Path

from fastapi import FastAPI

from api.access.callers import Access
from api.live_view.choices import Remembered
from api.pages import channels, customer, customers, dashboard, entrance, suggestions
from api.pages.front_end import HOW_TO_BUILD, STATIC_PATH, FrontEnd
from api.pages.site import Site, answer_people
from warehouse.time_zones import TimeZones

logger = logging.getLogger(__name__)


def add_pages(api: FastAPI, access: Access, time_zones: TimeZones, published_path: Path) -> None:
    """Have the application answer people, beside programs."""
    front_end = FrontEnd()
    if not front_end.is_built:
        logger.warning("No page is served: %s", HOW_TO_BUILD)
    api.state.site = Site(access, time_zones, front_end=front_end)
    api.state.published_path = published_path
    api.state.choices = Remembered()
    for subject in (entrance, customers, customer, dashboard, suggestions, channels):
        api.include_router(subject.router)
    api.mount(STATIC_PATH, front_end)
    answer_people(api)
