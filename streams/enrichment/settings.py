"""What the enrichment process is told by its environment, read once."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EnrichmentSettings(BaseSettings):
    """The enrichment's own settings; the cluster's are in `streams.cluster`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    whatsapp_pictures: bool = Field(True, validation_alias="WHATSAPP_PROFILE_PICTURE_FETCH_ENABLED")
    channels_file: Path | None = Field(None, validation_alias="OMNICHANNEL_CHANNELS_FILE")
    folder: Path = Field(Path(".omnichannel/enrichment"), validation_alias="ENRICHMENT_FOLDER")
    pictures_folder: Path = Field(Path(".omnichannel/pictures"), validation_alias="PICTURES_FOLDER")
    # Where customers' pictures are served from, as browsers reach it.
    public_url: str = Field("", validation_alias="API_PUBLIC_URL")
    # Who was looked up is not looked up again for so long, picture or not.
    fresh_days: float = Field(30, validation_alias="ENRICHMENT_FRESH_DAYS", gt=0)
    log_file: Path = Field(Path("logs/enrichment.log"), validation_alias="ENRICHMENT_LOG_FILE")
    debug: str = Field("", validation_alias="DEBUG")
