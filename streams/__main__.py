"""`python -m streams`: one worker process, until it is told to stop."""

import asyncio
import logging
import sys
from typing import NoReturn

import faust
import uvloop
from kafka.errors import KafkaError

from streams.app import BatchApp, create_app
from streams.channel_file import ChannelFileError
from streams.cluster import ClusterSettings
from streams.engine import collector
from streams.identity.addresses import Addresses
from streams.logs import configure_logging
from streams.policy_file import PolicyError
from streams.settings import WorkerSettings
from streams.topic_admin import TopicAdminError, ensure_topics

logger = logging.getLogger(__name__)


def main() -> None:
    """Run a worker: create missing topics, join the group, process, leave on SIGTERM."""
    settings, cluster = WorkerSettings(), ClusterSettings()
    configure_logging(debug=settings.debug, file=settings.log_file)
    try:
        app = create_app(settings, cluster)
        ensure_topics(cluster)
    except (ChannelFileError, PolicyError) as error:
        _refuse(error)
    except (TopicAdminError, KafkaError) as error:
        logger.critical("cannot start: %s (brokers: %s)", error, cluster.bootstrap_servers)
        sys.exit(1)
    run(app)


def run(app: BatchApp) -> None:
    """Read the policies, then run the app in this process until a signal stops it."""
    try:
        app.policies.read()
        app.policies.hold_salt(app.addresses)
    except PolicyError as error:
        _refuse(error)
    if app.addresses.fingerprint() == Addresses("").fingerprint():
        logger.warning(
            "OMNICHANNEL_IDENTITY_SALT is not set: what is kept of erased people can be guessed; "
            "set it before the first message"
        )
    collector.settle()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    worker = faust.Worker(app, override_logging=False, redirect_stdouts=False, quiet=True)
    sys.exit(worker.execute_from_commandline())


def _refuse(error: Exception) -> NoReturn:
    logger.critical("cannot start: %s", error)
    sys.exit(1)


if __name__ == "__main__":
    main()
