"""Every hard case has a test under its number, and no test a number that is none."""

import re
from pathlib import Path

ROWS = range(1, 45)
_TEST = re.compile(r"^def test_case_([0-9]{2})_[a-z]", re.MULTILINE)


def test_every_hard_case_has_a_test() -> None:
    sources = Path(__file__).parent.glob("test_*.py")
    found = {int(number) for source in sources for number in _TEST.findall(source.read_text())}
    assert found == set(ROWS)
