"""`omnichannel send`: one's own canonical messages, all valid or none sent."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated

import cyclopts
import msgspec

from api.command_line.errors import CommandError
from api.command_line.sending import send_showing_progress, where
from streams.cluster import ClusterSettings
from streams.contracts.messages import Message
from streams.topic_admin import ensure_topics
from streams.topics import TopicSpec
from streams.traffic.sender import message_key, message_topic

_STDIN = "-"
_SPOOLED_BYTES = 64 * 1024 * 1024  # beyond it, standard input waits on disk to be read twice
_FAULTS_SHOWN = 10

_decoder = msgspec.json.Decoder(Message)


@dataclass(frozen=True, slots=True)
class ValidLine:
    """A message, and the bytes it came in: those are sent, unknown fields and all."""

    topic: TopicSpec
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class InvalidLine:
    """A line that is no message: its number and what is wrong, with the field."""

    number: int
    fault: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.fault}"


def send(
    file: Annotated[
        str,
        cyclopts.Parameter(
            help="JSON messages, one a line; - reads stdin.", allow_leading_hyphen=True
        ),
    ],
    *,
    skip_invalid: Annotated[
        bool, cyclopts.Parameter(negative=(), help="Send the valid lines, name the others.")
    ] = False,
) -> None:
    """Send canonical messages; nothing is sent unless every line is one."""
    with _opened(file) as lines:
        valid, invalid = _counted(lines)
        if invalid:
            faults = _listed(invalid)
            if not skip_invalid:
                raise CommandError(
                    f"nothing was sent, {len(invalid)} of {valid + len(invalid)} lines are no "
                    f"messages: {faults}; correct them, or pass --skip-invalid"
                )
            print(f"skipped {len(invalid)}: {faults}", file=sys.stderr)
        cluster = ClusterSettings()
        ensure_topics(cluster)
        lines.seek(0)
        sent = send_showing_progress(
            (line for line in read_lines(lines) if isinstance(line, ValidLine)),
            cluster,
            done_share=lambda acknowledged: acknowledged / max(valid, 1),
        )
    print(f"Sent {valid:,} {'message' if valid == 1 else 'messages'}: {where(sent)}.")


def read_lines(lines: IO[bytes]) -> Iterator[ValidLine | InvalidLine]:
    """Yield each line as a message or as what is wrong with it; empty lines are passed over."""
    for number, line in enumerate(lines, start=1):
        if not (value := line.strip()):
            continue
        try:
            message = _decoder.decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError) as err:
            yield InvalidLine(number, str(err))
        else:
            yield ValidLine(message_topic(message), message_key(message), value)


def _opened(file: str) -> IO[bytes]:
    """Return the file, or standard input put where it can be read twice."""
    if file == _STDIN:
        spooled = tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES)  # noqa: SIM115
        shutil.copyfileobj(sys.stdin.buffer, spooled)
        spooled.seek(0)
        return spooled
    try:
        return Path(file).open("rb")
    except OSError as err:
        raise CommandError(f"{file} cannot be read: {err.strerror}") from err


def _counted(lines: IO[bytes]) -> tuple[int, list[InvalidLine]]:
    valid, invalid = 0, []
    for line in read_lines(lines):
        if isinstance(line, ValidLine):
            valid += 1
        else:
            invalid.append(line)
    return valid, invalid


def _listed(invalid: list[InvalidLine]) -> str:
    more = len(invalid) - _FAULTS_SHOWN
    shown = "; ".join(str(line) for line in invalid[:_FAULTS_SHOWN])
    return shown + (f"; and {more} more" if more > 0 else "")
