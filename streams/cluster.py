"""The Kafka cluster's address and credentials, as every client wants to hear them.

One set of settings from the environment; a method for each client library. Owns no connection.
"""

import ssl
from typing import Any, Literal

from pydantic import SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class ClusterSettings(BaseSettings):
    """How to reach Kafka. An unset address means the local broker's."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="KAFKA_", extra="ignore")

    bootstrap_servers: str = "127.0.0.1:9092"
    topic_prefix: str = ""
    topic_partitions: int = 4
    topic_replication_factor: int = 1
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_keyfile_password: SecretStr | None = None
    ssl_check_hostname: bool = True

    @model_validator(mode="after")
    def _complete(self) -> "ClusterSettings":
        if self.security_protocol.startswith("SASL") and not (
            self.sasl_mechanism and self.sasl_username and self.sasl_password
        ):
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL={self.security_protocol} needs KAFKA_SASL_MECHANISM, "
                "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
            )
        return self

    @property
    def servers(self) -> list[str]:
        """Return the addresses, one string each."""
        return [server.strip() for server in self.bootstrap_servers.split(",") if server.strip()]

    @property
    def password(self) -> str | None:
        """Return the SASL password in clear; hand it to a client, never to a log."""
        return self.sasl_password.get_secret_value() if self.sasl_password else None

    def ssl_context(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None when the protocol has no TLS."""
        if not self.security_protocol.endswith("SSL"):
            return None
        context = ssl.create_default_context(cafile=self.ssl_cafile)
        context.check_hostname = self.ssl_check_hostname
        if self.ssl_certfile:
            secret = self.ssl_keyfile_password
            context.load_cert_chain(
                self.ssl_certfile, self.ssl_keyfile, secret.get_secret_value() if secret else None
            )
        return context

    def client_options(self) -> dict[str, Any]:
        """Return the options that aiokafka and kafka-python share, by the same names."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.servers,
            "security_protocol": self.security_protocol,
        }
        if (context := self.ssl_context()) is not None:
            options["ssl_context"] = context
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.password
        return options
