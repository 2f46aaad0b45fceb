"""One set of settings reaches every client: aiokafka, kafka-python and Faust. No broker."""

import ssl

import pytest
from pydantic import SecretStr, ValidationError

from streams.app import credentials
from streams.cluster import ClusterSettings

SECRET = "not-for-logs"


def sasl(protocol: str = "SASL_SSL", mechanism: str = "SCRAM-SHA-512") -> ClusterSettings:
    return ClusterSettings.model_validate(
        {
            "bootstrap_servers": "one:9093, two:9093",
            "security_protocol": protocol,
            "sasl_mechanism": mechanism,
            "sasl_username": "omnichannel",
            "sasl_password": SecretStr(SECRET),
        }
    )


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_sasl_over_tls_reaches_the_kafka_clients(mechanism: str) -> None:
    options = sasl(mechanism=mechanism).client_options()
    assert options["bootstrap_servers"] == ["one:9093", "two:9093"]
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == mechanism
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == (
        "omnichannel",
        SECRET,
    )
    assert isinstance(options["ssl_context"], ssl.SSLContext)


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_sasl_reaches_faust(protocol: str) -> None:
    given = credentials(sasl(protocol))
    assert given.mechanism.value == "SCRAM-SHA-512"
    assert given.protocol.value == protocol
    assert (given.username, given.password) == ("omnichannel", SECRET)


def test_tls_alone_reaches_every_client() -> None:
    cluster = ClusterSettings(security_protocol="SSL")
    assert isinstance(cluster.client_options()["ssl_context"], ssl.SSLContext)
    assert credentials(cluster).protocol.value == "SSL"


def test_without_security_nothing_is_sent() -> None:
    assert credentials(ClusterSettings()) is None
    assert set(ClusterSettings().client_options()) == {"bootstrap_servers", "security_protocol"}


def test_host_names_are_checked_unless_told_otherwise() -> None:
    trusting = ClusterSettings(security_protocol="SSL", ssl_check_hostname=False).ssl_context()
    assert trusting is not None
    assert not trusting.check_hostname


def test_sasl_without_a_password_says_what_is_missing() -> None:
    with pytest.raises(ValidationError, match="KAFKA_SASL_PASSWORD"):
        ClusterSettings(security_protocol="SASL_SSL", sasl_mechanism="PLAIN")


def test_a_password_is_in_no_printout() -> None:
    assert SECRET not in repr(sasl())
    assert SECRET not in str(sasl().model_dump())
