"""The command's manners: one sentence for an error, nothing half sent. No broker is reached."""

import io
import os
import sys
from pathlib import Path

import msgspec
import pytest

from api.command_line import contracts, worker
from api.command_line.main import app
from api.command_line.send import InvalidLine, ValidLine, read_lines
from api.command_line.topics import kept
from streams.topics import CUSTOMERS, MESSAGES_INBOUND, MESSAGES_OUTBOUND

MESSAGE = {
    "tenantId": "acme",
    "channel": {"id": "whatsapp_1", "type": "whatsapp"},
    "messageId": "m1",
    "direction": "inbound",
    "from": "+5511999998888",
    "to": "551130001000",
    "timestamp": 1767441661,
}


@pytest.fixture(autouse=True)
def _far_from_any_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "never.invalid:9092")
    monkeypatch.delenv("OMNICHANNEL_DEBUG", raising=False)


def _exit_status(*arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        app.meta(list(arguments))
    return ended.value.code


def _line(**changes: object) -> bytes:
    return msgspec.json.encode(MESSAGE | changes) + b"\n"


def test_a_line_goes_as_it_came_to_its_directions_topic() -> None:
    text = _line(addedNextYear=1) + b"\n" + _line(direction="outbound")
    inbound, outbound = read_lines(io.BytesIO(text))
    assert isinstance(inbound, ValidLine)
    assert isinstance(outbound, ValidLine)
    assert (inbound.topic, outbound.topic) == (MESSAGES_INBOUND, MESSAGES_OUTBOUND)
    assert inbound.value == _line(addedNextYear=1).strip()
    assert inbound.key == b"acme/whatsapp_1/+5511999998888"
    assert outbound.key == b"acme/whatsapp_1/551130001000"


def test_a_line_that_is_no_message_is_named_by_number_and_field() -> None:
    text = _line() + b"\n" + _line(channel={"id": "w"}) + b"oops\n" + b'"\xff"\n'
    faults = [line for line in read_lines(io.BytesIO(text)) if isinstance(line, InvalidLine)]
    assert [fault.number for fault in faults] == [3, 4, 5]
    assert "`type` - at `$.channel`" in str(faults[0])


def test_one_bad_line_stops_all_before_the_broker_is_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_bytes(_line() + _line(messageId=7))
    assert _exit_status("send", str(file)) == 1
    said = capsys.readouterr().err
    assert said.startswith("omnichannel: nothing was sent, 1 of 2 lines are no messages: line 2: ")
    assert "`$.messageId`" in said
    assert "--skip-invalid" in said
    assert "Traceback" not in said


def test_a_missing_file_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_status("send", "nowhere.jsonl") == 1
    assert "nowhere.jsonl cannot be read: No such file" in capsys.readouterr().err


def test_a_plan_that_cannot_be_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert _exit_status("generate", "--people", "0") == 1
    assert "people must lie between" in capsys.readouterr().err


def test_settings_at_fault_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAFKA_TOPIC_PARTITIONS", "many")
    assert _exit_status("topics") == 1
    assert "KAFKA_TOPIC_PARTITIONS: " in capsys.readouterr().err


def test_debug_shows_where_an_error_comes_from() -> None:
    with pytest.raises(Exception, match="cannot be read"):
        app.meta(["send", "nowhere.jsonl", "--debug"])


def test_every_subject_can_be_asked_for_help(capsys: pytest.CaptureFixture[str]) -> None:
    for subject in ("broker", "topics", "worker", "generate", "send", "load", "why", "contracts"):
        assert _exit_status(subject, "--help") in (0, None)
        assert f"omnichannel {subject}" in capsys.readouterr().out


def test_documents_are_stale_until_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Exception, match="omnichannel contracts write"):
        contracts.check(tmp_path)
    (tmp_path / "gone.schema.json").write_text("{}")
    contracts.write(tmp_path)
    contracts.check(tmp_path)
    assert "up to date" in capsys.readouterr().out
    assert not (tmp_path / "gone.schema.json").exists()


def test_the_worker_takes_the_commands_place(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[object] = []
    monkeypatch.setattr(os, "execv", lambda *arguments: became.append(arguments))
    worker.worker()
    assert became == [(sys.executable, [sys.executable, "-m", "streams"])]


def test_retention_is_said_in_words() -> None:
    assert [kept(topic) for topic in (MESSAGES_INBOUND, CUSTOMERS)] == [
        "30 days",
        "newest per key",
    ]
