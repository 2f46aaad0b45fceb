"""What the worker is told by its environment, read once."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """The worker's own settings; the cluster's are in `streams.cluster`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    auto_creation_enabled: bool = Field(
        True, validation_alias="CUSTOMER_AUTO_CREATION_ENABLED"
    )  # off: nobody new becomes a customer; all else goes on
    conversation_gap_hours: float = Field(24, validation_alias="CONVERSATION_GAP_HOURS", gt=0)
    # What the settings above say is the default; the file may say otherwise, and of each tenant.
    policy_file: Path | None = Field(None, validation_alias="OMNICHANNEL_POLICY_FILE")
    # Hashed into every address of the state: the same in every worker, and for ever.
    identity_salt: SecretStr = Field(SecretStr(""), validation_alias="OMNICHANNEL_IDENTITY_SALT")
    channels_file: Path | None = Field(None, validation_alias="OMNICHANNEL_CHANNELS_FILE")
    state_folder: Path = Field(Path(".omnichannel"), validation_alias="OMNICHANNEL_STATE_FOLDER")
    log_file: Path = Field(Path("logs/omnichannel.log"), validation_alias="OMNICHANNEL_LOG_FILE")
    debug: str = Field("", validation_alias="DEBUG")  # logger names, e.g. customers
    # 10 s: a killed worker's partitions move on after this; shorter, and a busy machine's
    # heartbeats come late.
    session_timeout_seconds: float = Field(
        10, validation_alias="WORKER_SESSION_TIMEOUT_SECONDS", ge=6
    )
    # How long members have to finish a batch and rejoin; Tansu always waits half of it.
    rebalance_timeout_seconds: float = Field(
        30, validation_alias="WORKER_REBALANCE_TIMEOUT_SECONDS", ge=2
    )
    # A worker that comes back under its own name gets its partitions back at once, with no wait
    # for the session to time out; unique in the group, e.g. the pod's name.
    instance_id: str | None = Field(None, validation_alias="WORKER_INSTANCE_ID")
    # A worker stops where more than this share of what comes cannot be understood; 1: never.
    brake_share: float = Field(0.5, validation_alias="WORKER_BRAKE_SHARE", gt=0, le=1)
    commit_interval_seconds: float = Field(
        1, validation_alias="WORKER_COMMIT_INTERVAL_SECONDS", gt=0
    )
    # The one compression that every client of ours reads without a package more.
    compression: Literal["gzip"] | None = Field(None, validation_alias="WORKER_COMPRESSION")
