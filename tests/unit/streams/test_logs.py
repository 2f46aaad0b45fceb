"""Log lines and masking: real logging, a temporary file."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import logs
from streams.logs import configure_logging, mask


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    level = logging.getLogger().level
    yield tmp_path / "logs" / "omnichannel.log"
    logs._undo()
    logging.getLogger().setLevel(level)


def test_customers_speak_as_the_service_that_the_reference_greps_for(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(debug="", file=file)
    logging.getLogger("customers").info("Auto-created customer %s", "abc-123")
    line = file.read_text()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO "
        r"\[CustomersService\] Auto-created customer abc-123\n",
        line,
    )
    assert capsys.readouterr().err == line


def test_other_loggers_go_by_their_short_name(file: Path) -> None:
    configure_logging(debug="", file=file)
    logging.getLogger("streams.engine.transport").warning("slow")
    assert "WARNING [transport] slow" in file.read_text()


def test_only_the_named_loggers_speak_at_debug_level(file: Path) -> None:
    configure_logging(debug="customers, pipelines.load", file=file)
    for name in ("customers", "pipelines.load", "streams.app"):
        logging.getLogger(name).debug("%s here", name)
    assert [line.split("] ")[1] for line in file.read_text().splitlines()] == [
        "customers here",
        "pipelines.load here",
    ]


def test_the_last_call_wins_and_writes_each_line_once(file: Path) -> None:
    configure_logging(debug="customers", file=file)
    configure_logging(debug="", file=file)
    logging.getLogger("customers").debug("unheard")
    logging.getLogger("customers").info("heard")
    assert file.read_text().count("heard") == 1


def test_libraries_are_quiet_unless_everything_is_asked_for(file: Path) -> None:
    configure_logging(debug="", file=file)
    logging.getLogger("aiokafka.conn").info("connected")
    configure_logging(debug="*", file=file)
    logging.getLogger("aiokafka.conn").debug("bytes")
    assert [line.split("] ")[1] for line in file.read_text().splitlines()] == ["bytes"]


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("+5511999998888", "+551***88"),
        ("5511999998888", "5511***88"),
        ("whatsapp:+5511999998888", "whatsapp:+551***88"),
        ("5511999998888@s.whatsapp.net", "5511***88@s.whatsapp.net"),
        ("john@email.com", "j***@email.com"),
        ("123456789", "1234***89"),
        ("1234567", "***"),
        ("@handle", "***"),
        ("", "***"),
    ],
)
def test_masked_values_cannot_be_called_or_written_to(value: str, masked: str) -> None:
    assert mask(value) == masked
