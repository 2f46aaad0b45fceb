"""`omnichannel contracts write` and `check`: the documents for those who write or read topics."""

from pathlib import Path
from typing import Annotated

import cyclopts

from api.command_line.errors import CommandError
from streams.contracts.documents import documents

Folder = Annotated[Path, cyclopts.Parameter(help="Where the documents are.")]
DEFAULT_FOLDER = Path("docs/contracts")

app = cyclopts.App(name="contracts", help="JSON Schemas and AsyncAPI of all topics, from the code.")


@app.command
def write(folder: Folder = DEFAULT_FOLDER) -> None:
    """Write the documents anew, and remove those of records that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = documents()
    for path in _written(folder):
        if path.name not in expected:
            path.unlink()
    for name, text in expected.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"{len(expected)} documents are in {folder}.")


@app.command
def check(folder: Folder = DEFAULT_FOLDER) -> None:
    """Say which documents are not what the code says now; exit 1 if any."""
    expected = documents()
    written = {path.name: path.read_text(encoding="utf-8") for path in _written(folder)}
    stale = sorted(name for name in expected | written if expected.get(name) != written.get(name))
    if stale:
        raise CommandError(
            f"in {folder} out of date: {', '.join(stale)}; run `omnichannel contracts write`"
        )
    print(f"{len(expected)} documents in {folder} are up to date.")


def _written(folder: Path) -> list[Path]:
    return [*folder.glob("*.schema.json"), *folder.glob("asyncapi.json")]
