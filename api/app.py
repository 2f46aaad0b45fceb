"""The API process: wiring only. Which routes there are is each subject's own module."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import health, pictures
from api.problems import ProblemError, answer_problem
from api.settings import ApiSettings
from api.webhooks import routes as webhooks
from api.webhooks.gateway import Gateway
from api.webhooks.outbox import KafkaOutbox
from streams.channel_file import channels_in
from streams.cluster import ClusterSettings
from streams.enrichment.pictures import Pictures


def create_api(settings: ApiSettings, cluster: ClusterSettings) -> FastAPI:
    """Return the application; it reaches for Kafka once it is served.

    Raises ChannelFileError.
    """
    channels = channels_in(settings.channels_file)
    outbox = KafkaOutbox(cluster, ack_seconds=settings.webhook_ack_seconds)

    @asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
        await outbox.start()
        yield
        await outbox.stop()

    api = FastAPI(title="omnichannel", lifespan=lifespan)
    api.state.public_url = settings.public_url
    api.state.outbox = outbox
    api.state.pictures = Pictures(settings.pictures_folder)
    api.state.gateway = Gateway(
        channels,
        outbox,
        calls_per_second=settings.webhook_calls_per_second,
        topic_prefix=cluster.topic_prefix,
        now_seconds=lambda: int(time.time()),
    )
    api.add_exception_handler(ProblemError, answer_problem)
    api.include_router(health.router)
    api.include_router(webhooks.router)
    api.include_router(pictures.router)
    return api
