"""Hard cases 34 and 35: messages that come late, and platforms whose clocks are wrong.

From canonical messages to what a reader sees; what the warehouse restates of it is tested there.
"""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from tests.hard_cases.deployment import Deployment, without_history
from tests.hard_cases.platforms import START, WHATSAPP, moment, outbound, sms, telegram, whatsapp

ANA = "5511999998888"


def test_case_34_a_late_message_moves_the_first_contact_back_and_never_the_last_seen() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, profile_name="Ana at noon", at=moment(hours=2)))
    known = deployment.customer()
    late = whatsapp(ANA, profile_name="Ana at ten", at=moment(), message_id="late")
    deployment.receive(late, received_at=moment(hours=3))

    customer = deployment.customer()
    assert customer.id == known.id
    assert customer.created_at == customer.metadata.first_contact_at == moment()
    assert customer.metadata.last_seen_at == known.metadata.last_seen_at == moment(hours=2)
    assert customer.display_name == "Ana at noon"


def test_case_34_a_late_messages_fact_is_of_the_day_it_was_sent() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(ANA, at=moment(days=2)))
    deployment.receive(
        whatsapp(ANA, at=moment(), message_id="late"), received_at=moment(days=2, hours=1)
    )
    fact = deployment.fact("late")
    assert (fact.sent_at, fact.received_at) == (moment(), moment(days=2, hours=1))
    assert fact.is_clock_wrong is False


def test_case_34_a_late_inbound_message_shows_when_the_person_first_wrote() -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, ANA, at=moment(hours=1)))
    deployment.receive(whatsapp(ANA, at=moment(hours=5)))
    deployment.receive(whatsapp(ANA, at=moment()), received_at=moment(hours=6))
    (identity,) = deployment.customer().identities
    assert (identity.first_seen_at, identity.last_inbound_at) == (moment(), moment(hours=5))


def test_case_34_every_order_of_arrival_gives_the_same_customer_and_conversations() -> None:
    messages = [
        outbound(WHATSAPP, ANA),
        whatsapp(ANA, profile_name="Ana", at=moment(hours=20)),
        whatsapp(ANA, profile_name="Ana Lima", username="ana", at=moment(hours=40)),
        whatsapp(ANA, at=moment(days=9)),
    ]
    outcomes = []
    for order in permutations(messages):
        deployment = Deployment()
        for message in order:
            deployment.receive(message, received_at=moment(days=10))
        conversations = [
            (c.id, c.opened_by, c.started_at, c.last_message_at) for c in deployment.conversations()
        ]
        outcomes.append((without_history(deployment.customer()), conversations))
    customer, conversations = outcomes[0]
    assert (customer.display_name, customer.status) == ("Ana Lima", "active")
    assert [started_at for _, _, started_at, _ in conversations] == [START, moment(days=9)]
    assert all(outcome == outcomes[0] for outcome in outcomes)


@pytest.mark.parametrize(
    "timestamp",
    ["1730092801", 1730092801, 1730092801000, "1730092801000", 1730092801.0, "1730092801.0"],
)
def test_case_35_seconds_and_milliseconds_are_read_whatever_their_type(timestamp: Any) -> None:
    deployment = Deployment()
    deployment.receive(telegram(5100000201, timestamp=timestamp, message_id="m"))
    fact = deployment.fact("m")
    assert fact.sent_at == datetime(2024, 10, 28, 5, 20, 1, tzinfo=UTC)
    assert fact.is_clock_wrong is False


@pytest.mark.parametrize(
    "timestamp",
    [
        *("2026-01-01T10:00:00Z", "2026-01-01T10:00:00", "2026-01-01 10:00:00"),
        *("2026-01-01T07:00:00-03:00", "2026-01-01T10:00:00.000000Z", " 2026-01-01T10:00:00Z "),
    ],
)
def test_case_35_written_times_are_read_and_without_a_zone_they_are_utc(timestamp: str) -> None:
    deployment = Deployment()
    deployment.receive(sms(f"+{ANA}", timestamp=timestamp, message_id="m"))
    assert deployment.fact("m").sent_at == START


@pytest.mark.parametrize("timestamp", [4_070_908_800, "2099-01-01T00:00:00Z", 0, "0"])
def test_case_35_a_time_that_cannot_be_is_the_brokers_and_the_fact_says_so(timestamp: Any) -> None:
    deployment = Deployment()
    deployment.receive(
        telegram(5100000201, timestamp=timestamp, message_id="m"), received_at=moment(hours=1)
    )
    fact = deployment.fact("m")
    assert (fact.sent_at, fact.is_clock_wrong) == (moment(hours=1), True)
    assert deployment.customer().metadata.last_seen_at == moment(hours=1)
    assert deployment.customer().created_at == moment(hours=1)


def test_case_35_a_clock_of_2099_does_not_poison_last_seen_nor_the_name_for_ever() -> None:
    deployment = Deployment()
    deployment.receive(
        telegram(5100000201, timestamp=4_070_908_800, profile_name="Wrong Clock"),
        received_at=moment(hours=1),
    )
    deployment.receive(telegram(5100000201, profile_name="Right Clock", at=moment(hours=2)))
    customer = deployment.customer()
    assert customer.metadata.last_seen_at == moment(hours=2)
    assert customer.display_name == "Right Clock"


def test_case_35_a_clock_a_little_fast_is_believed() -> None:
    deployment = Deployment()
    deployment.receive(
        telegram(5100000201, at=moment(minutes=4), message_id="m"), received_at=moment()
    )
    fact = deployment.fact("m")
    assert (fact.sent_at, fact.is_clock_wrong) == (moment(minutes=4), False)


@pytest.mark.parametrize("timestamp", ["yesterday", "", "-5", -5, "2026-13-01", "0x1", 1e30])
def test_case_35_what_is_no_time_is_set_aside_with_advice(timestamp: Any) -> None:
    deployment = Deployment()
    deployment.receive(telegram(5100000201, timestamp=timestamp), received_at=moment())
    (rejection,) = deployment.rejections
    assert rejection.reason == "invalid"
    assert "RFC 3339" in rejection.detail
    assert deployment.customers() == []
