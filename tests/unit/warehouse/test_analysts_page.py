"""docs/analysts.md is what comes out when it is run, in another process and on made-up data."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "analysts.md").read_text(encoding="utf-8")
PICTURES = re.findall(r"!\[.*?\]\((pictures/\w+\.png)\)", PAGE)
RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import run_examples
print(run_examples.ran(run_examples.PAGE.read_text(encoding="utf-8"), Path(sys.argv[2])), end="")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(DOCS), str(folder)],
        capture_output=True,
        check=True,
        cwd=DOCS.parent,
        text=True,
    )
    (folder / "page.md").write_text(done.stdout, encoding="utf-8")
    return folder


def test_results_are_those_of_the_page(folder: Path) -> None:
    remedy = "run `python docs/run_examples.py`, and look at what changed"
    assert (folder / "page.md").read_text(encoding="utf-8") == PAGE, remedy


def test_every_picture_made_is_shown_and_every_picture_shown_is_made(folder: Path) -> None:
    assert sorted(PICTURES) == sorted(f"pictures/{one.name}" for one in folder.glob("pictures/*"))


@pytest.mark.parametrize("picture", PICTURES)
def test_pictures_are_those_of_the_page(picture: str, folder: Path) -> None:
    kept, made = (imread(place / picture) for place in (DOCS, folder))
    assert kept.shape == made.shape
    # Another machine may draw an edge otherwise; not a bar.
    assert np.abs(kept - made).mean() < 0.01
