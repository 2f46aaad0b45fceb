"""Pictures of the published figures, once a night: files for people, and in the run's metadata.

Owns which figures; how they look is warehouse.plots'. What a single run did, Dagster draws itself
from the numbers in its metadata.
"""

import base64
import os
from pathlib import Path
from typing import Any, Final

import dagster as dg

from dagster_project.assets.layers import NIGHTLY_FRESH, OWNERS, RETRIES
from dagster_project.assets.published import analytics
from dagster_project.resources import WarehouseFile
from warehouse import open_warehouse
from warehouse.queries import FigureName

_FIGURES: Final[tuple[FigureName, ...]] = (
    "growth",
    "channel_performance",
    "activity",
    "lifecycle",
    "retention",
    "activity_heat_map",
    "identity_health",
)
# Metadata lies in Dagster's database for ever: two pictures a night, not seven every two minutes.
_IN_METADATA: Final = frozenset({"growth", "activity_heat_map"})


@dg.asset(
    deps=[analytics],
    group_name="published",
    owners=OWNERS,
    kinds={"matplotlib", "python"},
    retry_policy=RETRIES,
    freshness_policy=NIGHTLY_FRESH,
)
def charts(warehouse: WarehouseFile) -> dg.MaterializeResult[Any]:
    """The figures as pictures, beside the published copy."""
    folder = warehouse.settings.charts_folder
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"folder": dg.MetadataValue.path(folder.resolve())}
    with open_warehouse(warehouse.settings.published_path) as published:
        for figure in _FIGURES:
            picture = published.plot(figure, grain="week").png()
            _put(folder / f"{figure}.png", picture)
            if figure in _IN_METADATA:
                told[figure] = _shown(figure, picture)
    return dg.MaterializeResult(metadata=told | {"pictures": len(_FIGURES)})


def _put(path: Path, content: bytes) -> None:
    """Have the file whole or not at all."""
    made = path.with_name(f"{path.name}.{os.getpid()}.building")
    made.write_bytes(content)
    made.replace(path)


def _shown(figure: str, picture: bytes) -> dg.MarkdownMetadataValue:
    data = base64.b64encode(picture).decode()
    return dg.MetadataValue.md(f"![{figure}](data:image/png;base64,{data})")
