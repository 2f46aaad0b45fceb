"""Where log lines go and how they look; and how personal values are masked in them.

Loggers named in DEBUG speak at debug level. What is said is each module's own business.
"""

import logging
import logging.handlers
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The reference's name for the lines about customers, which its troubleshooting greps for.
_SERVICE_NAMES: Final = {"customers": "CustomersService"}
_FILE_BYTES: Final = 20 * 1024 * 1024
_FILES_KEPT: Final = 5
_PHONE_KEPT_FIRST: Final = 4
_KEPT_LAST: Final = 2
_SHORTEST_SHOWN_IN_PART: Final = 8  # below it, first and last would be nearly all
_HIDDEN: Final = "***"
# What platforms put before a number; it is no part of the person.
_SCHEMES: Final = ("whatsapp:", "sms:", "tel:", "rcs:")
# Chatty at info, and nothing of it ours.
_QUIET: Final = ("aiokafka", "kafka", "faust", "mode", "asyncio")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What `configure_logging` was given."""

    debug: str
    file: Path


# What the last call set, so that the next one can undo it: logging itself is one per process.
_handlers: list[logging.Handler] = []
_levelled: set[str] = set()
_configured: LogSettings | None = None

LINE: Final = "%(asctime)s %(levelname)s [%(service)s] %(message)s"


def configure_logging(*, debug: str, file: Path) -> None:
    """Send all log lines to the console and to `file`, which rotates at 20 MB.

    `debug` is a comma-separated list of logger names, such as `customers`, that speak at debug
    level; `*` means all. May be called again: the last call wins.
    """
    global _configured  # noqa: PLW0603 - logging itself is one per process
    _undo()
    _configured = LogSettings(debug, file)
    names = {name.strip() for name in debug.split(",")} - {""}
    everything = "*" in names
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if everything else logging.INFO)
    levels = {} if everything else dict.fromkeys(_QUIET, logging.WARNING)
    levels |= dict.fromkeys(names - {"*"}, logging.DEBUG)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    _levelled.update(levels)
    for handler in (logging.StreamHandler(sys.stderr), _rotating(file)):
        handler.setFormatter(_ServiceFormatter(LINE))
        root.addHandler(handler)
        _handlers.append(handler)


def configured() -> LogSettings | None:
    """Return how this process logs, for one that shall log alike; None where nobody said."""
    return _configured


def _undo() -> None:
    root = logging.getLogger()
    while _handlers:
        handler = _handlers.pop()
        root.removeHandler(handler)
        handler.close()
    while _levelled:
        logging.getLogger(_levelled.pop()).setLevel(logging.NOTSET)


def _rotating(file: Path) -> logging.Handler:
    # Processes that share the file each rotate it on their own: a line may then stand in an older
    # file than its time says, none is lost before five rotations.
    file.parent.mkdir(parents=True, exist_ok=True)
    return logging.handlers.RotatingFileHandler(
        file, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8", delay=True
    )


def mask(value: str) -> str:
    """Return the value as it may stand in a log: recognisable to who knows it, useless otherwise.

    A phone number or other id keeps its first four and last two characters, an e-mail address
    its first letter and its domain; short values are hidden whole.
    """
    for scheme in _SCHEMES:
        if value.startswith(scheme):
            return scheme + mask(value.removeprefix(scheme))
    person, at, domain = value.rpartition("@")
    if at and person:
        # A number before the @ (49151…@s.whatsapp.net) is a number, not an address's first letter.
        shown = mask(person) if person.lstrip("+").isdigit() else f"{person[0]}{_HIDDEN}"
        return f"{shown}@{domain}"
    if len(value) < _SHORTEST_SHOWN_IN_PART:
        return _HIDDEN
    return f"{value[:_PHONE_KEPT_FIRST]}{_HIDDEN}{value[-_KEPT_LAST:]}"


class _ServiceFormatter(logging.Formatter):
    """Names the speaker in brackets: the reference's service, or the logger's last part."""

    def format(self, record: logging.LogRecord) -> str:
        short = record.name.rpartition(".")[2]
        record.service = _SERVICE_NAMES.get(record.name, short)
        return super().format(record)
