"""`omnichannel api`: serves HTTP, until it is told to stop."""

import gc

import uvicorn

from api.app import create_api
from api.settings import ApiSettings
from pipelines.settings import AnalyticsSettings
from streams.cluster import ClusterSettings
from streams.logs import configure_logging

# A platform's call in hand is finished; one that hangs does not hold the end up for longer.
_FINISH_SECONDS = 15


def api() -> None:
    """Take what platforms deliver to `/webhooks/{platform}/{tenantId}/{channelId}`, and show the
    customers: `/customers` to people, `/api/customers` to programs.
    """
    settings, analytics = ApiSettings(), AnalyticsSettings()
    configure_logging(debug=settings.debug, file=settings.log_file)
    app = create_api(
        settings, ClusterSettings(), analytics.time_zones, warehouse=analytics.published_path
    )
    gc.freeze()  # what lives as long as the process need not be looked through again and again
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,  # addresses may hold a token
        server_header=False,
        timeout_graceful_shutdown=_FINISH_SECONDS,
    )
