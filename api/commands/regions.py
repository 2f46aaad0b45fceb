"""In which country's notation a tenant's people write their numbers: the policies say."""

import logging
import threading
from pathlib import Path
from typing import Final, Protocol

from streams.cluster import ClusterSettings
from streams.contracts.policies import PolicyDocument
from streams.policies import PolicyBook, PolicyTopic
from streams.policy_file import PolicyError, policies_in

logger = logging.getLogger(__name__)

_AGAIN_SECONDS: Final = 2.0


class Regions(Protocol):
    """The tenants' regions."""

    def region_of(self, tenant_id: str) -> str | None:
        """Return the country in whose notation numbers without a country code are read."""
        ...


class PolicyRegions:
    """The regions as the policy file and the topic of policies have them, followed in a thread.

    While Kafka is away only the file is known: numbers then need their country code.
    """

    def __init__(self, cluster: ClusterSettings, policy_file: Path | None) -> None:
        default, by_tenant = (
            (PolicyDocument(), {}) if policy_file is None else policies_in(policy_file)
        )
        self._cluster = cluster
        self._book = PolicyBook(default, by_tenant)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def region_of(self, tenant_id: str) -> str | None:
        """Return the country in whose notation numbers without a country code are read."""
        return self._book.of(tenant_id).region

    def start(self) -> None:
        """Begin to follow the topic."""
        self._thread = threading.Thread(target=self._follow, name="policies", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop following. The thread leaves the broker by itself."""
        self._stop.set()

    def _follow(self) -> None:
        has_complained = False
        while not self._stop.is_set():
            topic = PolicyTopic(self._cluster, self._book)
            try:
                topic.read()
            except PolicyError as error:
                if not has_complained:
                    logger.warning("Numbers need their country code for now: %s", error)
                    has_complained = True
                self._stop.wait(_AGAIN_SECONDS)
                continue
            topic.follow(self._stop, lambda change: change())
