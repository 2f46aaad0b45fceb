"""What the log says of customers: the reference's sentences, and nobody's number above debug."""

import logging
from datetime import UTC, datetime

import pytest

from streams.contracts.customers import CustomerEvent, CustomerEventType
from streams.identity.graph import fold
from streams.identity.policy import Policy
from streams.narration import narrate
from tests.unit.identity.builders import ADDRESSES, address, observe

KEY = address("phone:+5511999998888")


def said(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    later = observe("m2", at_ms=observe().at_ms + 1)
    created = fold(KEY, None, [observe()], Policy(), ADDRESSES)
    seen_again = fold(KEY, created.node, [later], Policy(), ADDRESSES)
    with caplog.at_level(level, logger="customers"):
        narrate(created.records)
        narrate(seen_again.records)
    return [record.getMessage() for record in caplog.records]


def event(kind: CustomerEventType, **fields: str) -> CustomerEvent:
    given = {
        "customer_id": "customer-1",
        "detail": "addPhone: +5511999998888 of Maria is no number",
        "external_id": "5511999998888",
        **fields,
    }
    return CustomerEvent(
        id="e1",
        type=kind,
        tenant_id="acme",
        occurred_at=datetime(2026, 11, 24, tzinfo=UTC),
        **given,  # type: ignore[arg-type]
    )


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


@pytest.mark.parametrize(
    ("told", "level", "sentence"),
    [
        (
            event("customer.linked", rule="same_account"),
            "INFO",
            "Linked two identities of customer customer-1 by rule same_account (tenantId=acme)",
        ),
        (
            event("customer.split", split_from="customer-0"),
            "INFO",
            "Split customer customer-1 from customer customer-0 (tenantId=acme)",
        ),
        (event("customer.erased"), "INFO", "Erased customer customer-1 (tenantId=acme)"),
        (
            event("guard.tripped", rule="shared"),
            "WARNING",
            "A guard kept evidence from linking: shared, customer=customer-1 (tenantId=acme)",
        ),
        (
            event("command.refused", command_id="c-1", customer_id="+5511999998888"),
            "INFO",
            "Refused command 'c-1', its event on customer-events says why (tenantId=acme)",
        ),
    ],
)
def test_what_happened_to_a_customer_is_one_sentence_without_name_and_number(
    caplog: pytest.LogCaptureFixture, told: CustomerEvent, level: str, sentence: str
) -> None:
    with caplog.at_level(logging.INFO, logger="customers"):
        narrate([told])
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [(level, sentence)]


def test_a_commands_id_cannot_begin_a_line_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="customers"):
        narrate([event("command.refused", command_id="c\nCRITICAL " + "x" * 1000)])
    (line,) = (record.getMessage() for record in caplog.records)
    assert "\n" not in line
    assert len(line) < 200


@pytest.mark.parametrize("kind", ["command.applied", "customer.activated", "policy.changed"])
def test_what_others_already_tell_of_is_not_told(
    caplog: pytest.LogCaptureFixture, kind: CustomerEventType
) -> None:
    with caplog.at_level(logging.INFO, logger="customers"):
        narrate([event(kind)])
    assert not caplog.records
