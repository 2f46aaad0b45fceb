"""`python -m streams`: one worker process, until it is told to stop."""

import asyncio
import logging
import sys

import faust
import uvloop
from kafka.errors import KafkaError

from streams.app import create_app
from streams.cluster import ClusterSettings
from streams.logs import configure_logging
from streams.settings import WorkerSettings
from streams.topic_admin import TopicAdminError, ensure_topics

logger = logging.getLogger(__name__)


def main() -> None:
    """Run a worker: create missing topics, join the group, process, leave on SIGTERM."""
    settings, cluster = WorkerSettings(), ClusterSettings()
    configure_logging(debug=settings.debug, file=settings.log_file)
    try:
        ensure_topics(cluster)
    except (TopicAdminError, KafkaError) as error:
        logger.critical("cannot start: %s (brokers: %s)", error, cluster.bootstrap_servers)
        sys.exit(1)
    run(create_app(settings, cluster))


def run(app: faust.App) -> None:
    """Run the app in this process until a signal stops it."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    worker = faust.Worker(app, override_logging=False, redirect_stdouts=False, quiet=True)
    sys.exit(worker.execute_from_commandline())


if __name__ == "__main__":
    main()
