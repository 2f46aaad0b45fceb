"""The API process: wiring only. Which routes there are is each subject's own module."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI

from api import channels as channel_routes
from api import customers, event_stream, exports, health, pictures
from api.access import routes as access
from api.access.callers import Access
from api.access.gate import Gate
from api.access.headers import SecurityHeaders
from api.access.key_file import KeyFile
from api.access.limits import BodyLimit, Rates
from api.access.sessions import Sessions
from api.commands import imports, suggestions
from api.commands import routes as commands
from api.commands.issuing import Commands
from api.commands.live import LiveCommandView
from api.commands.regions import Regions
from api.live_view.view import LiveView
from api.openapi import documented
from api.outbox import KafkaOutbox
from api.pages.routes import add_pages
from api.problems import Unexpected, answer_problems
from api.settings import ApiSettings
from api.webhooks import routes as webhooks
from api.webhooks.gateway import Gateway
from streams.channel_file import channels_in
from streams.cluster import ClusterSettings
from streams.enrichment.pictures import Pictures
from warehouse.location import published_path
from warehouse.time_zones import UTC, TimeZones


def create_api(
    settings: ApiSettings,
    cluster: ClusterSettings,
    time_zones: TimeZones = UTC,
    *,
    warehouse: Path | None = None,
) -> FastAPI:
    """Return the application; it reaches for Kafka once it is served. The figures are those of the
    published `warehouse`.

    Raises ChannelFileError, KeyFileError and PolicyError.
    """
    channels = channels_in(settings.channels_file)
    outbox = KafkaOutbox(cluster, ack_seconds=settings.webhook_ack_seconds)
    view = LiveView(cluster, settings.live_view_folder, time_zones)

    @asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
        await outbox.start()
        await view.start()
        yield
        await view.stop()
        await outbox.stop()

    # No page of documentation: FastAPI's comes from another host, with inline script.
    api = FastAPI(
        title="omnichannel",
        version=version("omnichannel"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    api.state.public_url = settings.public_url
    api.state.outbox = outbox
    api.state.view = view
    api.state.pictures = Pictures(settings.pictures_folder)
    api.state.gateway = Gateway(
        channels,
        outbox,
        calls_per_second=settings.webhook_calls_per_second,
        topic_prefix=cluster.topic_prefix,
        now_seconds=lambda: int(time.time()),
    )
    api.state.access = access_for(settings)
    command_view = LiveCommandView(view)
    api.state.regions = Regions(settings.policy_file, command_view)
    api.state.commands = Commands(outbox, command_view, topic_prefix=cluster.topic_prefix)
    api.openapi = documented(api)  # type: ignore[method-assign]  # FastAPI's documented way
    answer_problems(api)
    # The last one added is the first to see a call.
    api.add_middleware(Gate, access=api.state.access)
    api.add_middleware(BodyLimit)
    api.add_middleware(Unexpected)
    api.add_middleware(SecurityHeaders, is_secure=settings.is_secure)
    api.include_router(health.router)
    api.include_router(access.router)
    api.include_router(customers.router)
    api.include_router(exports.router)
    api.include_router(channel_routes.router)
    api.include_router(event_stream.router)
    api.include_router(webhooks.router)
    api.include_router(pictures.router)
    api.include_router(commands.router)
    api.include_router(suggestions.router)
    api.include_router(imports.router)
    add_pages(api, api.state.access, time_zones, warehouse or published_path())
    return api


def access_for(settings: ApiSettings) -> Access:
    """Return who may call. Raises KeyFileError: nothing is served with keys nobody can read."""
    keys = KeyFile(settings.keys_file)
    keys.keys()
    secret = settings.session_secret
    return Access(
        keys,
        Sessions(
            secret=secret.get_secret_value() if secret else None,
            secret_file=settings.keys_file.with_name("session-secret"),
            is_secure=settings.is_secure,
        ),
        Rates(
            calls_per_second=settings.calls_per_second,
            failures_per_minute=settings.sign_in_failures_per_minute,
        ),
        public_url=settings.public_url,
    )
