"""What the API process is told by its environment, read once."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """The API's own settings; the cluster's are in `streams.cluster`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    host: str = Field("127.0.0.1", validation_alias="API_HOST")
    port: int = Field(8080, validation_alias="API_PORT", ge=0, le=65535)
    # As platforms reach it, where a proxy stands before us: Twilio signs the address it calls.
    public_url: str | None = Field(None, validation_alias="API_PUBLIC_URL")
    channels_file: Path | None = Field(None, validation_alias="OMNICHANNEL_CHANNELS_FILE")
    # In whose notation numbers are typed: the workers' policies say.
    policy_file: Path | None = Field(None, validation_alias="OMNICHANNEL_POLICY_FILE")
    pictures_folder: Path = Field(Path(".omnichannel/pictures"), validation_alias="PICTURES_FOLDER")
    # The process's own view of the customers, made from the topics: each replica has its own.
    live_view_folder: Path = Field(Path(".omnichannel/live"), validation_alias="LIVE_VIEW_FOLDER")
    # Who may call, as hashes; `omnichannel keys` changes it, and a running API follows.
    keys_file: Path = Field(
        Path(".omnichannel/keys.json"), validation_alias="OMNICHANNEL_KEYS_FILE"
    )
    # Signs the page's sessions. Without: a file made once beside the keys file.
    session_secret: SecretStr | None = Field(
        None, validation_alias="API_SESSION_SECRET", min_length=32
    )
    calls_per_second: int = Field(100, validation_alias="API_CALLS_PER_SECOND", gt=0)
    sign_in_failures_per_minute: int = Field(
        10, validation_alias="API_SIGN_IN_FAILURES_PER_MINUTE", gt=0
    )
    log_file: Path = Field(Path("logs/api.log"), validation_alias="API_LOG_FILE")
    debug: str = Field("", validation_alias="DEBUG")
    # What one channel may deliver; beyond it, platforms are asked to come again later.
    webhook_calls_per_second: int = Field(500, validation_alias="WEBHOOK_CALLS_PER_SECOND", gt=0)
    # How long Kafka may take to have a body before the platform is asked to deliver it again.
    webhook_ack_seconds: float = Field(8, validation_alias="WEBHOOK_ACK_SECONDS", gt=0)

    @property
    def is_secure(self) -> bool:
        """Say whether browsers reach the API by https."""
        return (self.public_url or "").lower().startswith("https://")
