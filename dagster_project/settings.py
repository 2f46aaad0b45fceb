"""Where alerts go, from the environment, read when a sensor ticks."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _is_http(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("https://", "http://")):
        raise ValueError("give an address that begins with https://")
    return value


class AlertSettings(BaseSettings):
    """Whom to tell of what failed; the address is a secret: who has it can post there."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    alert_webhook_url: Annotated[SecretStr, AfterValidator(_is_http)] | None = None
