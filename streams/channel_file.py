"""The channels file: what a business's inboxes need beyond what their traffic shows.

Channels appear by themselves; only secrets, account scopes, own numbers and names are written
down. TOML, one `[[channels]]` an inbox. A secret may be given as `env:NAME`.
"""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from streams.identity.normalise import Rejection, tenant_of
from streams.topics import PLATFORMS

_FROM_ENVIRONMENT: Final = "env:"
_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"


class ChannelFileError(Exception):
    """The channels file cannot be used; the message says which channel, and what to do."""


class Enrichment(BaseModel):
    """Where a channel's profiles are asked for: `via` names whose API that is, where it is not the
    platform's own (WhatsApp's Cloud API shows no pictures: a gateway does).

    `api_key` is the bot's or page's token, or the gateway's key; `instance` the gateway's instance
    or session.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_key: SecretStr
    api_url: str | None = None
    via: Literal["telegram", "evolution", "waha", "zapi", "messenger", "instagram"] | None = None
    instance: str | None = None
    client_token: SecretStr | None = None
    calls_per_minute: int = Field(default=60, gt=0)
    enabled: bool = True


class ChannelSettings(BaseModel):
    """One inbox of a business as it is configured.

    `secrets` verify what the platform sends; more than one while a secret is being changed.
    `verify_token` answers Meta's handshake. `public_url` is the webhook's address as the platform
    calls it, where a proxy hides it from us: Twilio signs it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: str
    id: str = Field(pattern=_NAME)
    platform: str
    name: str | None = None
    account: str | None = None
    own_ids: frozenset[str] = frozenset()
    secrets: tuple[SecretStr, ...] = ()
    verify_token: SecretStr | None = None
    public_url: str | None = None
    enrichment: Enrichment | None = None

    @field_validator("tenant")
    @classmethod
    def _named(cls, tenant: str) -> str:
        if isinstance(wrong := tenant_of(tenant), Rejection):
            raise ValueError(wrong.detail)  # noqa: TRY004 - of a value
        return tenant

    @field_validator("platform")
    @classmethod
    def _known(cls, platform: str) -> str:
        if platform not in PLATFORMS:
            raise ValueError(f"not a platform; known are {', '.join(PLATFORMS)}")
        return platform


Channels = Mapping[tuple[str, str], ChannelSettings]
NO_CHANNELS: Final[Channels] = {}


def channels_in(path: Path | None, environment: Mapping[str, str] = os.environ) -> Channels:
    """Return the configured channels by (tenant, channel id); none without a file.

    Raises ChannelFileError.
    """
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise ChannelFileError(f"{path} cannot be read: {err.strerror}") from err
    except ValueError as err:  # of TOML or of UTF-8
        raise ChannelFileError(f"{path} is not TOML: {err}") from err
    tables = content.pop("channels", [])
    if content or not isinstance(tables, list):
        raise ChannelFileError(f"{path}: write one [[channels]] for each channel, and nothing else")
    found: dict[tuple[str, str], ChannelSettings] = {}
    for number, table in enumerate(tables, 1):
        channel = _channel(table, f"{path}: channel {number}", environment)
        if (channel.tenant, channel.id) in found:
            raise ChannelFileError(
                f"{path}: channel {number}: {channel.tenant}/{channel.id} is there twice"
            )
        found[channel.tenant, channel.id] = channel
    return found


def _channel(table: object, where: str, environment: Mapping[str, str]) -> ChannelSettings:
    missing: list[str] = []
    filled = _filled(table, environment, missing)
    if missing:
        raise ChannelFileError(f"{where}: set {', '.join(missing)} in the environment")
    try:
        return ChannelSettings.model_validate(filled)
    except ValidationError as err:
        # Not err itself: it quotes the input, and that may be a secret.
        raise ChannelFileError(f"{where}: {'; '.join(_sentences(err))}") from None


def _sentences(err: ValidationError) -> Iterable[str]:
    for detail in err.errors(include_input=False, include_url=False):
        place = ".".join(str(part) for part in detail["loc"])
        yield f"{place}: {detail['msg']}" if place else detail["msg"]


def _filled(value: Any, environment: Mapping[str, str], missing: list[str]) -> Any:
    """Return the value with every `env:NAME` replaced; names that are not set are noted."""
    if isinstance(value, dict):
        return {name: _filled(item, environment, missing) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, environment, missing) for item in value]
    if isinstance(value, str) and value.startswith(_FROM_ENVIRONMENT):
        name = value[len(_FROM_ENVIRONMENT) :]
        if not environment.get(name):
            missing.append(name)
        return environment.get(name, "")
    return value
