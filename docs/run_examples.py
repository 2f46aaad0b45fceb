"""Runs docs/analysts.md: its examples on the example warehouse, their results and pictures anew.

python docs/run_examples.py
"""

import contextlib
import io
import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final

import example_warehouse

DOCS: Final = Path(__file__).parent
PAGE: Final = DOCS / "analysts.md"
PICTURES: Final = DOCS / "pictures"
_EXAMPLE: Final = re.compile(r"```python\n(.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL)


def ran(page: str, folder: Path) -> str:
    """Return the page with what its examples print; files they write are in the folder."""
    known: dict[str, Any] = {}

    def result(found: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(found[1], PAGE.name, "exec"), known)  # noqa: S102 - our own page
        lines = [line.rstrip() for line in printed.getvalue().splitlines()]
        shown = "\n```text\n" + "\n".join(lines) + "\n```\n" if lines else ""
        return f"```python\n{found[1]}```\n{shown}"

    before, warehouse = Path.cwd(), folder / "warehouse"
    (folder / "pictures").mkdir(parents=True)
    example_warehouse.build(warehouse)
    os.environ["WAREHOUSE_FOLDER"] = str(warehouse)
    os.chdir(folder)
    try:
        return _EXAMPLE.sub(result, page)
    finally:
        os.chdir(before)
        known["warehouse"].close()


def main() -> None:
    """Write the page and its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        page = ran(PAGE.read_text(encoding="utf-8"), Path(folder))
        PAGE.write_text(page, encoding="utf-8")
        PICTURES.mkdir(exist_ok=True)
        for picture in sorted((Path(folder) / "pictures").iterdir()):
            (PICTURES / picture.name).write_bytes(picture.read_bytes())
            print(f"{PICTURES / picture.name}: {picture.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
