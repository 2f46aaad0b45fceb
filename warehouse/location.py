"""Where the files lie, unless somebody says otherwise."""

import os
from pathlib import Path
from typing import Final

DEFAULT_FOLDER: Final = Path(".omnichannel/warehouse")
WAREHOUSE_FILE: Final = "warehouse.duckdb"  # the loader's; nobody else opens it
PUBLISHED_FILE: Final = "analytics.duckdb"  # read-only, for everybody
CHARTS_FOLDER: Final = "charts"  # pictures of the figures, made every night


def published_path() -> Path:
    """Return the published copy's place: in `WAREHOUSE_FOLDER`, or the default folder."""
    return Path(os.environ.get("WAREHOUSE_FOLDER") or DEFAULT_FOLDER) / PUBLISHED_FILE
