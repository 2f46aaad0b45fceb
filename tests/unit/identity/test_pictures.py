"""Whose picture address a customer's record has: ours, and a platform's only until there is one.

Real: native bodies through their adapters, and commands. Not real: Kafka, and the download.
"""

from itertools import permutations
from typing import Any

import pytest

from streams.contracts.commands import UpdateCustomer
from streams.contracts.messages import Message
from tests.hard_cases.deployment import Deployment
from tests.hard_cases.platforms import WHATSAPP, moment, notice, whatsapp
from tests.unit.channels.samples import RECEIVED_AT_MS, SamplesOf

NUMBER = "5511999998888"
OURS = "https://omnichannel.example/pictures/0a1b.jpg"
THEIRS = "https://pps.whatsapp.net/v/t61/1.jpg?oh=token&oe=expires"
AGENTS = "https://crm.example/ana.png"
GATEWAYS = SamplesOf("evolution", "zapi")


def picture_of(deployment: Deployment) -> str | None:
    return deployment.customer().metadata.profile_picture_url


def enriched(deployment: Deployment, *, days: int = 1) -> None:
    """Have the enrichment say where our copy is."""
    deployment.ask(
        UpdateCustomer,
        deployment.customer(),
        issued_at=moment(days=days),
        profile_picture_url=OURS,
        source="profile",
    )


def with_picture(kind: str, **fields: Any) -> Message:
    if kind == "message":
        return whatsapp(NUMBER, profile_picture_url=THEIRS, **fields)
    return notice(WHATSAPP, NUMBER, profile_picture_url=THEIRS, **fields)


@pytest.mark.parametrize("kind", ["message", "notice"])
def test_a_platforms_address_stands_until_there_is_our_copy_and_never_replaces_it(
    kind: str,
) -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(NUMBER), with_picture(kind, at=moment(hours=1)))
    assert picture_of(deployment) == THEIRS
    enriched(deployment)
    assert picture_of(deployment) == OURS
    deployment.receive(with_picture(kind, at=moment(days=2)))
    deployment.receive(whatsapp(NUMBER, at=moment(days=3), profile_picture_url=f"{THEIRS}&n=2"))
    assert picture_of(deployment) == OURS
    deployment.replay()
    assert picture_of(deployment) == OURS


def test_in_whatever_order_they_come_our_copy_stands() -> None:
    said = [
        with_picture("message", at=moment(hours=1)),
        with_picture("notice", at=moment(days=2)),
        None,
    ]
    for order in permutations(said):
        deployment = Deployment()
        deployment.receive(whatsapp(NUMBER))
        for one in order:
            if one is None:
                enriched(deployment)
            else:
                deployment.receive(one, received_at=moment(days=3))
        assert picture_of(deployment) == OURS


def test_what_an_agent_set_stands_above_both() -> None:
    deployment = Deployment()
    deployment.receive(with_picture("message"))
    deployment.ask(UpdateCustomer, deployment.customer(), profile_picture_url=AGENTS)
    enriched(deployment, days=301)
    deployment.receive(with_picture("message", at=moment(days=302)))
    assert picture_of(deployment) == AGENTS


@pytest.mark.parametrize(
    ("message", "later"),
    [
        ("evolution_messages_upsert_text", "evolution_contacts_update_picture"),
        ("zapi_waiting_message", "zapi_waiting_message"),
    ],
)
def test_what_a_gateway_sends_with_its_events_never_replaces_our_copy(
    message: str, later: str
) -> None:
    deployment = Deployment()
    deployment.receive_at(RECEIVED_AT_MS, *GATEWAYS.reading(message).messages)
    enriched(deployment)
    assert picture_of(deployment) == OURS
    deployment.receive_at(RECEIVED_AT_MS, *GATEWAYS.reading(later).messages)
    assert picture_of(deployment) == OURS
