"""The SQL models as files: their headers, their columns' descriptions and their order.

Pure reading; who runs them is `runner`.
"""

import re
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final, Literal

from warehouse.errors import CyclicModelsError

FOLDER: Final = Path(__file__).parent / "models"

Schema = Literal["staging", "marts"]

_GRAIN: Final = re.compile(r"grain:\s*(.*?)\s{2,}reads:\s*(.*?)(?:\s{2,}given:\s*(.*))?$")
_DESCRIBED: Final = re.compile(r"\bas (\w+),?\s+-- (.+)$")


@dataclass(frozen=True, slots=True)
class Model:
    """One table or view: what it is, one row per what, what it reads, and its query."""

    schema: Schema
    name: str
    purpose: str
    grain: tuple[str, ...]
    reads: tuple[str, ...]
    given: tuple[str, ...]  # parameters to bind
    query: str
    described: tuple[tuple[str, str], ...]  # column, description

    @property
    def qualified(self) -> str:
        """Return the name with its schema."""
        return f"{self.schema}.{self.name}"


def read_model(path: Path, schema: Schema) -> Model:
    """Return the model in a file; its header says purpose, grain and what it reads."""
    query = path.read_text(encoding="utf-8")
    header = []
    for line in query.splitlines():
        if not line.startswith("--"):
            break
        header.append(line.removeprefix("--").strip())
    *purpose, last = header or [""]
    if (found := _GRAIN.search(last)) is None or not purpose:
        raise ValueError(f"{path.name}: begin with `-- purpose`, then `-- grain: …   reads: …`")
    return Model(
        schema=schema,
        name=path.stem,
        purpose=" ".join(purpose),
        grain=_names(found[1]),
        reads=_names(found[2]),
        given=tuple(name.removeprefix("$") for name in _names(found[3] or "")),
        query=query,
        described=tuple(
            (match[1], match[2])
            for line in query.splitlines()
            if (match := _DESCRIBED.search(line)) is not None
        ),
    )


def models(folder: Path = FOLDER) -> list[Model]:
    """Return every model, each behind those that it reads."""
    found: dict[str, Model] = {}
    for schema in ("staging", "marts"):
        for path in sorted((folder / schema).glob("*.sql")):
            model = read_model(path, schema)
            found[model.qualified] = model
    for model in found.values():
        unknown = [name for name in model.reads if name.startswith("marts.") and name not in found]
        if unknown:
            raise CyclicModelsError(f"{model.qualified} reads {', '.join(unknown)}: no such model")
    graph = {name: [read for read in model.reads if read in found] for name, model in found.items()}
    try:
        return [found[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise CyclicModelsError(f"models read each other: {' -> '.join(error.args[1])}") from error


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
