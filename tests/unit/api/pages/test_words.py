"""What values are called, and what stands for a person without a picture."""

from typing import get_args

import pytest

from api.pages import words
from streams.contracts.customers import CustomerEventType, Level, Status
from streams.contracts.policies import Rule
from streams.contracts.suggestions import Reason


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Maria", "M"),
        ("Maria da Silva", "MS"),
        ("josé araújo 😊", "JA"),
        ("+5511999998888", ""),
        ("ana@example.com", "A"),
        ("Yael לוי", "Yל"),
        ("   ", ""),
    ],
)
def test_initials_are_of_the_first_and_the_last_name(name: str, letters: str) -> None:
    assert words.initials(name) == letters


def test_a_colour_is_the_same_at_every_time() -> None:
    assert words.hue("a7facdb2") == words.hue("a7facdb2")
    assert {words.hue(str(number)) for number in range(200)} == set(range(12))


def test_whatever_a_contract_may_say_has_a_name() -> None:
    assert set(get_args(CustomerEventType)) == set(words.EVENTS)
    assert set(get_args(Status)) == set(words.STATUSES)
    assert set(get_args(Level)) == set(words.LEVELS)
    assert set(get_args(Reason)) == set(words.REASONS)
    assert set(get_args(Rule)) < set(words.RULES)
