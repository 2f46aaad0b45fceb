"""`omnichannel enrich`: looks up names and pictures of who came, until it is told to stop."""

import asyncio
import signal

from streams.channel_file import channels_in
from streams.cluster import ClusterSettings
from streams.enrichment.agent import Enricher
from streams.enrichment.settings import EnrichmentSettings
from streams.logs import configure_logging


def enrich() -> None:
    """Fetch profiles for the channels whose settings say where; results are commands."""
    settings = EnrichmentSettings()
    configure_logging(debug=settings.debug, file=settings.log_file)
    asyncio.run(_run(settings))


async def _run(settings: EnrichmentSettings) -> None:
    stop = asyncio.Event()
    for how in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(how, stop.set)
    enricher = Enricher(settings, ClusterSettings(), channels_in(settings.channels_file))
    await enricher.run(stop)
