"""The words by which people look for a customer, in comparable form: without case and accents.

In Python alone, for what is typed and, as a function of DuckDB's, for what customers are called.
DuckDB's own means to tell letters apart is a regular expression, and to read that one takes it half
as long as all else that it parses of a small batch.
"""

import unicodedata
from typing import Final

import duckdb
from duckdb.func import PythonUDFType

# What DuckDB calls `search_text_of`: the texts may be empty, not null.
SEARCH_TEXT: Final = "search_text_of"
_ENDS: Final = (99, 11, 10, 9, 8, 7, 4)
_KEPT_UP_TO: Final = 0x10000  # the rest are a million characters, and hardly anybody writes them


class _Parts(dict[int, str]):
    """What is left of each character: a space of what is no part of a word, and nothing of marks.
    Filled as characters come.
    """

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)[0]
        part = "" if kind == "M" else character if kind in "LN" else " "
        if code < _KEPT_UP_TO:
            self[code] = part
        return part


_PARTS: Final = _Parts()


def words_of(said: str) -> list[str]:
    """Return the words of a text in comparable form."""
    if said.isascii():
        return said.lower().translate(_PARTS).split()
    apart = unicodedata.normalize("NFD", unicodedata.normalize("NFC", said).lower())
    return unicodedata.normalize("NFC", apart.translate(_PARTS)).split()


def search_text_of(said: str, phones: str) -> str:
    """Return by what a customer of these words and numbers is found, each with a space before it: a
    number as a whole, as people write it at home, and by its last four digits.
    """
    found = words_of(said)
    for number in phones.split():
        digits = number.lstrip("+")
        found += [digits[-length:] for length in _ENDS]
    return " " + " ".join(found)


def teach_words(connection: duckdb.DuckDBPyConnection) -> None:
    """Have the connection know `SEARCH_TEXT` until it is closed."""
    connection.create_function(
        SEARCH_TEXT, search_text_of, ["varchar", "varchar"], "varchar", type=PythonUDFType.NATIVE
    )
