"""What the log says of customers: the reference's sentences, and nobody's number above debug."""

import logging

import pytest

from streams.identity.graph import fold
from streams.identity.policy import Policy
from streams.narration import narrate
from tests.unit.identity.builders import observe

KEY = "acme/phone:+5511999998888"


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    created = fold(KEY, None, [observe()], Policy())
    seen_again = fold(KEY, created.node, [observe("m2", at_ms=observe().at_ms + 1)], Policy())
    with caplog.at_level(level, logger="customers"):
        narrate(created.records)
        narrate(seen_again.records)
    return [record.getMessage() for record in caplog.records]


def test_a_creation_is_told_at_info_with_the_number_masked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    (line,) = said(caplog, logging.INFO)
    assert line.startswith("Auto-created customer ")
    assert " for channel wa-1 with external ID 5511***88 (tenantId=acme)" in line


def test_debug_tells_of_updates_and_of_numbers_in_clear(caplog: pytest.LogCaptureFixture) -> None:
    lines = said(caplog, logging.DEBUG)
    assert any("external ID 5511999998888" in line for line in lines)
    assert sum(line.startswith("Updated last seen for customer ") for line in lines) == 2
    assert any(
        line.startswith("Channel identity resolution: customer=") and "channels=1" in line
        for line in lines
    )
