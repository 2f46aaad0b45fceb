"""What somebody typed into a search box, as conditions on customers.

Words are found by their beginnings, in any order; a number in any notation, by its end too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import duckdb

from api.live_view.derived import literals
from api.live_view.search_index import SearchIndex
from streams.identity import phones

LONGEST_SEARCH: Final = 200
_MOST_WORDS: Final = 8
_NUMBER: Final = re.compile(r"[+\d\s()./\u2010-\u2015-]{4,}")
_FEWEST_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Search:
    """Ways to read what was typed: all words of one of them must be met."""

    alternatives: Sequence[Sequence[str]]

    def condition(self, index: SearchIndex, given: dict[str, object]) -> str:
        """Return the SQL that a customer's row must fulfil, its values put among those given."""
        if not self.alternatives:
            return "false"
        candidates = index.candidates(self.alternatives)
        if candidates is not None:
            # From our own index, and quoted: an index is asked for literals alone.
            return f"customer_id in {literals(candidates)}" if candidates else "false"
        either = []
        for number, words in enumerate(self.alternatives):
            names = [f"word_{number}_{place}" for place in range(len(words))]
            given.update({name: f" {word}" for name, word in zip(names, words, strict=True)})
            either.append(" and ".join(f"contains(search_text, ${name})" for name in names))
        return "(" + " or ".join(f"({one})" for one in either) + ")"


def search_for(typed: str, region: str | None, reader: duckdb.DuckDBPyConnection) -> Search:
    """Return how what was typed is looked for; numbers without a country code are of the region."""
    words: list[str] = reader.execute("select words_of($typed)", {"typed": typed}).fetchall()[0][0]
    alternatives: list[list[str]] = []
    if _NUMBER.fullmatch(typed.strip()):
        digits = "".join(character for character in typed if character.isdecimal())
        # Dialled from home: 0176…, 00 49 176…
        if len(bare := digits.lstrip("0")) >= _FEWEST_DIGITS:
            alternatives.append([bare])
        number = phones.typed(typed, region)
        if isinstance(number, str):
            alternatives.append([number.removeprefix("+")])
    if words:
        alternatives.append(words[:_MOST_WORDS])
    unique = list(dict.fromkeys(tuple(one) for one in alternatives))
    return Search(unique)
