"""The SQL models as files: their headers, their columns' descriptions and their order.

A model's query is whole as it stands. Where it says `/* touched: … */`, a refresh of what has
changed alone puts that in: it narrows the query down to a set of keys, which a file under
models/touched tells from what came since the last refresh. Pure reading; who runs them is `runner`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final, Literal

from warehouse.errors import CyclicModelsError

FOLDER: Final = Path(__file__).parent / "models"

Schema = Literal["staging", "touched", "marts"]

_SCHEMAS: Final[tuple[Schema, ...]] = ("staging", "touched", "marts")
_GRAIN: Final = re.compile(
    r"grain:\s*(.*?)\s{2,}reads:\s*(.*?)(?:\s{2,}given:\s*(.*?))?(?:\s{2,}touched:\s*(\w+))?$"
)
_NARROWS: Final = re.compile(r"/\* touched: (.*?) \*/", re.DOTALL)
_CHANGED: Final = "changed_"
_DESCRIBED: Final = re.compile(r"\bas (\w+),?\s+-- (.+)$")
_TYPED: Final = re.compile(r"::(\w+(?:\([\w, ]*\))?(?:\[\])?)\s+as (\w+),?\s+-- ")


@dataclass(frozen=True, slots=True)
class Model:
    """One table or view: what it is, one row per what, what it reads, and its query.

    `touched` names the set of keys whose rows a refresh replaces; None where it makes all anew.
    """

    schema: Schema
    name: str
    purpose: str
    grain: tuple[str, ...]
    reads: tuple[str, ...]
    given: tuple[str, ...]  # parameters to bind
    touched: str | None
    query: str
    described: tuple[tuple[str, str], ...]  # column, description

    @property
    def qualified(self) -> str:
        """Return the name with its schema; sets of keys are temporary tables and have none."""
        return self.name if self.schema == "touched" else f"{self.schema}.{self.name}"

    @property
    def types(self) -> Mapping[str, str]:
        """Return the type that each described column is cast to."""
        return {column: kind for kind, column in _TYPED.findall(self.query)}

    @property
    def narrowed(self) -> str:
        """Return the query for the touched keys alone."""
        return _NARROWS.sub(r"\1", self.query)

    @property
    def compared(self) -> tuple[str, ...]:
        """Return the marts of which it reads `changed_…`: rows as they were and as they are."""
        return tuple(
            read.removeprefix(_CHANGED) for read in self.reads if read.startswith(_CHANGED)
        )


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
        touched=found[4],
        query=query,
        described=tuple(
            (match[1], match[2])
            for line in query.splitlines()
            if (match := _DESCRIBED.search(line)) is not None
        ),
    )


def models(folder: Path = FOLDER) -> list[Model]:
    """Return every model, each behind those that it reads, and behind the keys that narrow it.

    The keys that narrow a model may read it themselves: as it was before they do.
    """
    return list(_models(folder))


@cache
def _models(folder: Path) -> tuple[Model, ...]:
    """Read the folder once: a refresh of every two minutes need not do so again."""
    found: dict[str, Model] = {}
    for schema in _SCHEMAS:
        for path in sorted((folder / schema).glob("*.sql")):
            model = read_model(path, schema)
            found[model.qualified] = model
    for model in found.values():
        unknown = [name for name in model.reads if name.startswith("marts.") and name not in found]
        if unknown:
            raise CyclicModelsError(f"{model.qualified} reads {', '.join(unknown)}: no such model")
    graph = {name: _behind(model, found) for name, model in found.items()}
    try:
        return tuple(found[name] for name in TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise CyclicModelsError(f"models read each other: {' -> '.join(error.args[1])}") from error


def _behind(model: Model, found: Mapping[str, Model]) -> list[str]:
    """Return what must be there before the model is made."""
    if model.schema != "touched":
        return [name for name in (*model.reads, model.touched or "") if name in found]
    reads = [*model.reads, *(f"marts.{name}" for name in model.compared)]
    return [name for name in reads if name in found and found[name].touched != model.name]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
