"""A CSV file of people, row by row: what each says, or what is wrong with it. Pure.

Columns are `name`, `phone`, `email` and `tags` (separated by | within the cell); every other column
is an attribute of that name. Phones stand in any notation of the tenant's region.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from api.commands.bodies import MOST_WORDS, Email, Name, Value, Word
from streams.identity.phones import InvalidPhone, typed

MOST_ROWS: Final = 10_000
_MOST_COLUMNS: Final = MOST_WORDS + 4
_KNOWN: Final = ("name", "phone", "email", "tags")
_DELIMITERS: Final = (",", ";", "\t")
_BETWEEN_TAGS: Final = "|"

_name: Final[TypeAdapter[Any]] = TypeAdapter(Name)
_word: Final[TypeAdapter[Any]] = TypeAdapter(Word)
_value: Final[TypeAdapter[Any]] = TypeAdapter(Value)
_email: Final[TypeAdapter[Any]] = TypeAdapter(Email)


class NoTableError(Exception):
    """The file cannot be read as a table of people; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell, and in which column it stands."""

    column: str
    detail: str


@dataclass(frozen=True, slots=True)
class Contact:
    """What a row says of a person."""

    phone: str | None = None
    email: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def named_by(self) -> str:
        """Return the phone or address that names the person."""
        return self.phone or self.email or ""


@dataclass(frozen=True, slots=True)
class ValidRow:
    """A row that can be imported; numbers are the file's lines, as spreadsheets count them."""

    number: int
    contact: Contact


@dataclass(frozen=True, slots=True)
class InvalidRow:
    """A row that cannot, and why."""

    number: int
    faults: Sequence[Fault]


Row = ValidRow | InvalidRow


def rows_in(content: bytes, region: str | None) -> list[Row]:
    """Return every row that is not empty. Raises NoTableError."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoTableError("save the file as CSV in UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        columns = _columns(next(reader, []))
        return list(_rows(reader, columns, region))
    except csv.Error as error:
        raise NoTableError(f"line {reader.line_num} is no CSV ({error})") from error


def _delimiter(text: str) -> str:
    """Return what parts the cells of the first line: spreadsheets write what their country does."""
    head = text.partition("\n")[0]
    return max(_DELIMITERS, key=head.count)


def _columns(head: Sequence[str]) -> list[str]:
    names = [name.strip() for name in head]
    columns = [low if (low := name.lower()) in _KNOWN else name for name in names]
    if not {"phone", "email"}.intersection(columns):
        raise NoTableError(
            "the first line names the columns: name, phone, email, tags, and attributes by their "
            "own names; it needs phone or email"
        )
    if len(columns) > _MOST_COLUMNS:
        raise NoTableError(f"at most {_MOST_COLUMNS} columns")
    for column in columns:
        if columns.count(column) > 1:
            raise NoTableError(f"the column {column[:64]!r} is there twice")
        if column not in _KNOWN and (fault := _fault_of(_word, column)) is not None:
            raise NoTableError(f"the column {column[:64]!r} cannot be an attribute: {fault}")
    return columns


def _rows(reader: Any, columns: Sequence[str], region: str | None) -> Iterator[Row]:
    first_of: dict[str, int] = {}
    for count, cells in enumerate((row for row in reader if any(map(str.strip, row))), 1):
        if count > MOST_ROWS:
            raise NoTableError(f"at most {MOST_ROWS:,} people in one file: send the rest after it")
        row = _row(int(reader.line_num), columns, cells, region)
        if isinstance(row, ValidRow):
            first = first_of.setdefault(row.contact.named_by, row.number)
            if first != row.number:
                what = "phone" if row.contact.phone else "email"
                row = InvalidRow(row.number, [Fault(what, f"the person of line {first} again")])
        yield row


def _row(number: int, columns: Sequence[str], cells: Sequence[str], region: str | None) -> Row:
    if len(cells) > len(columns):
        return InvalidRow(number, [Fault("", f"{len(cells)} cells for {len(columns)} columns")])
    faults: list[Fault] = []
    given = {
        column: cell.strip() for column, cell in zip(columns, cells, strict=False) if cell.strip()
    }

    def checked(column: str, adapter: TypeAdapter[Any], cell: str) -> str | None:
        fault = _fault_of(adapter, cell)
        if fault is not None:
            faults.append(Fault(column, fault))
            return None
        found: str = adapter.validate_python(cell)
        return found

    phone = _phone(given.get("phone"), region, lambda detail: faults.append(Fault("phone", detail)))
    email = checked("email", _email, given["email"]) if "email" in given else None
    name = checked("name", _name, given["name"]) if "name" in given else None
    words = [word.strip() for word in given.get("tags", "").split(_BETWEEN_TAGS) if word.strip()]
    tags = tuple(tag for word in words if (tag := checked("tags", _word, word)) is not None)
    if len(tags) > MOST_WORDS:
        faults.append(Fault("tags", f"at most {MOST_WORDS}"))
    attributes = {
        column: value
        for column, cell in given.items()
        if column not in _KNOWN and (value := checked(column, _value, cell)) is not None
    }
    if not faults and phone is None and email is None:
        faults.append(Fault("phone", "a phone or an e-mail: without one there is nobody"))
    if faults:
        return InvalidRow(number, faults)
    return ValidRow(number, Contact(phone, email, name, tuple(dict.fromkeys(tags)), attributes))


def _phone(text: str | None, region: str | None, wrong: Callable[[str], None]) -> str | None:
    if text is None:
        return None
    number = typed(text, region)
    if isinstance(number, InvalidPhone):
        wrong(number.advice)
        return None
    return number


def _fault_of(adapter: TypeAdapter[Any], value: str) -> str | None:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return None
