"""Local brokers behind one small interface: Apache Kafka, or Tansu where Java is missing.

Owns starting, stopping and checking one on this machine; leaves topics to streams.topic_admin.
"""

from streams.broker.choose import local_broker
from streams.broker.port import BrokerKind, BrokerStatus, BrokerUnavailable, LocalBroker, Say

__all__ = [
    "BrokerKind",
    "BrokerStatus",
    "BrokerUnavailable",
    "LocalBroker",
    "Say",
    "local_broker",
]
