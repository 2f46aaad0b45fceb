"""Numbers and times as a reader's language and the tenant's clock have them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from api.pages.formats import Formats
from api.pages.languages import LANGUAGES

NOW = datetime(2026, 11, 26, 2, 30, tzinfo=UTC)


def formats(language: str = "en", zone: str = "America/Sao_Paulo") -> Formats:
    """Return the formats of a reader of this language."""
    return Formats(LANGUAGES[language], ZoneInfo(zone), NOW)


@pytest.mark.parametrize(
    ("passed", "english", "portuguese"),
    [
        (timedelta(), "1 second ago", "há 1 segundo"),
        (timedelta(seconds=40), "40 seconds ago", "há 40 segundos"),
        (timedelta(seconds=67), "1 minute ago", "há 1 minuto"),
        (timedelta(minutes=3), "3 minutes ago", "há 3 minutos"),
        (timedelta(hours=5), "5 hours ago", "há 5 horas"),
        (timedelta(days=2), "2 days ago", "há 2 dias"),
        (timedelta(days=-2), "in 2 days", "em 2 dias"),
    ],
)
def test_how_long_ago_is_said_in_words(passed: timedelta, english: str, portuguese: str) -> None:
    assert formats().ago(NOW - passed) == english
    assert formats("pt-BR").ago(NOW - passed) == portuguese


def test_days_and_clocks_are_the_tenants() -> None:
    assert formats().local(NOW).date() == date(2026, 11, 25)
    assert formats("pt-BR").clock(NOW) == "23:30"
    assert formats(zone="Asia/Tokyo").local(NOW).date() == date(2026, 11, 26)


def test_numbers_are_written_as_the_language_has_them() -> None:
    assert formats().number(1234567) == "1,234,567"
    assert formats("pt-BR").number(1234567) == "1.234.567"
    assert formats("pt-BR").percent(0.125) == "12%"


@pytest.mark.parametrize(
    ("seconds", "english"),
    [(0, "0 sec"), (42, "42 sec"), (151, "3 min"), (5400, "2 hr"), (200_000, "2 days")],
)
def test_lengths_are_told_in_one_unit(seconds: float, english: str) -> None:
    assert formats().length(seconds) == english
