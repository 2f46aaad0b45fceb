"""What a customer is called: whoever may say it best, whatever comes in whatever order.

Real: canonical messages, notices and commands down to the customer's record, over partitions that
race, crash and replay. Not real: Kafka.
"""

import random
from datetime import datetime
from typing import Final, Literal, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.contracts.commands import UpdateCustomer
from streams.contracts.messages import Message
from tests.examples import examples
from tests.hard_cases.deployment import Deployment
from tests.hard_cases.platforms import WHATSAPP, moment, notice, outbound, sms, whatsapp

NUMBER: Final = "5511999998888"
# Who said it, the least to be believed first.
Who = Literal["message", "notice", "enrichment", "import", "agent"]
_RANKS: Final = {"message": 1, "notice": 1, "enrichment": 1, "import": 2, "agent": 3}
_SOURCES: Final = {"enrichment": "profile", "import": "import", "agent": "agent"}
NAMES: Final = ("Ana", "Bia", "ana 🌸", "安娜", "Ana 99")
RAW: Final = (NUMBER, f"+{NUMBER}", "+55 11 99999-8888", "(11) 99999-8888")
# Nothing that anybody could see: white space, zero width, the letters and symbols that fill.
BLANK: Final = ("", " ", "\t\n", "\u200e", "\u200b \u2060", "\u3164", "\u2800", "\x00")


class Said(NamedTuple):
    """A name as somebody said it, so many hours after the first message."""

    who: Who
    name: str | None
    hours: int

    @property
    def at(self) -> datetime:
        return moment(hours=self.hours)


sayings = st.lists(
    st.builds(
        Said,
        st.sampled_from(tuple(_RANKS)),
        st.none() | st.sampled_from((*NAMES, *RAW, *BLANK)),
        st.integers(1, 12),
    ),
    max_size=8,
)


def expected_name(said: list[Said]) -> str:
    """Return the name that stands: the rank decides, then the time, then the value."""
    ranked = []
    for who, name, hours in said:
        if name is None or name in BLANK:
            continue
        # A person's own number is no name, whoever's program says it; somebody may still want it.
        rank = 0 if name in RAW and who != "agent" else _RANKS[who]
        # Of one time, what was no message is known best: no redelivery could have changed it.
        ranked.append((rank, hours, who != "message", name))
    return max(ranked)[3] if ranked else NUMBER


def message_of(said: Said, number: int) -> Message:
    """Return what a platform makes of the name: a message or a profile without one."""
    if said.who == "notice":
        return notice(WHATSAPP, NUMBER, at=said.at, message_id=f"n{number}", profile_name=said.name)
    channel = whatsapp if number % 2 else sms
    return channel(NUMBER, at=said.at, message_id=f"m{number}", profile_name=said.name)


@given(sayings, st.integers(0, 2**32).map(random.Random))
@settings(max_examples=examples(50), deadline=None)
@example([Said("message", "Ana", 1), Said("notice", NUMBER, 2)], random.Random(0))
@example([Said("message", "Ana", 1), Said("enrichment", f"+{NUMBER}", 2)], random.Random(0))
@example([Said("message", "Ana", 1), Said("import", "(11) 99999-8888", 2)], random.Random(0))
@example([Said("message", "Ana", 1), Said("message", "\u3164", 2)], random.Random(0))
@example([Said("agent", "Ana", 1), Said("agent", "\u200e", 2)], random.Random(0))
@example([Said("message", "Ana", 3), Said("message", "Bia", 3)], random.Random(0))
def test_the_best_name_stands_in_any_order_and_however_often_it_is_said(
    said: list[Said], rng: random.Random
) -> None:
    deployment = Deployment(rng=rng)
    deployment.receive(whatsapp(NUMBER, message_id="first"))
    customer = deployment.customer()
    commands = {
        number: deployment.command(
            UpdateCustomer,
            customer,
            issued_at=one.at,
            display_name=one.name,
            source=_SOURCES[one.who],
        )
        for number, one in enumerate(said)
        if one.who in _SOURCES
    }
    numbers = [*range(len(said)), *rng.choices(range(len(said)), k=len(said) // 2)] if said else []
    rng.shuffle(numbers)
    for number in numbers:
        if number in commands:
            deployment.world.ask(commands[number])
        else:
            deployment.receive(message_of(said[number], number), received_at=moment(days=1))
        if rng.random() < 0.3:
            deployment.world.run()
    deployment.world.run()
    deployment.replay()
    assert deployment.customer().display_name == expected_name(said)


@pytest.mark.parametrize("blank", BLANK)
def test_a_name_that_nobody_can_see_is_refused_by_an_edit(blank: str) -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(NUMBER, profile_name="Ana"))
    answer = deployment.ask(UpdateCustomer, deployment.customer(), display_name=blank)
    assert answer.type == "command.refused"
    assert deployment.customer().display_name == "Ana"


def test_a_profile_without_a_name_to_see_keeps_what_else_it_says() -> None:
    deployment = Deployment()
    deployment.receive(whatsapp(NUMBER, profile_name="Ana"))
    deployment.ask(
        UpdateCustomer,
        deployment.customer(),
        display_name="\u3164",
        add_tags=("vip",),
        source="profile",
    )
    customer = deployment.customer()
    assert (customer.display_name, customer.tags) == ("Ana", ("vip",))


def test_what_we_write_names_nobody() -> None:
    deployment = Deployment()
    deployment.receive(outbound(WHATSAPP, NUMBER, profile_name="Our shop"))
    assert deployment.customer().display_name == NUMBER
