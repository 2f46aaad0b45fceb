"""What somebody typed into a search box, as conditions on customers.

Words are found by their beginnings, in any order; a number in any notation, by its end too.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.live_view.lookups import Lookups
from api.live_view.words import words_of
from streams.identity import phones

LONGEST_SEARCH: Final = 200
_MOST_WORDS: Final = 8
_NUMBER: Final = re.compile(r"[+\d\s()./\u2010-\u2015-]{4,}")
_FEWEST_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Search:
    """Ways to read what was typed: all words of one of them must be met."""

    alternatives: Sequence[Sequence[str]]

    def candidates(self, lookups: Lookups) -> list[int] | None:
        """Return the numbers of whoever may be meant, and of some who are not; None: any may be."""
        return lookups.candidates(self.alternatives) if self.alternatives else []

    def is_met_by(self, search_text: str) -> bool:
        """Say whether a customer of these words is meant, as `condition` does."""
        return any(all(f" {word}" in search_text for word in words) for words in self.alternatives)

    def condition(self, given: dict[str, object]) -> str:
        """Return the SQL that a customer's row must fulfil, its values put among those given."""
        either = []
        for number, words in enumerate(self.alternatives):
            names = [f"word_{number}_{place}" for place in range(len(words))]
            given.update({name: f" {word}" for name, word in zip(names, words, strict=True)})
            either.append(" and ".join(f"contains(search_text, ${name})" for name in names))
        return "(" + " or ".join(f"({one})" for one in either) + ")" if either else "false"


def search_for(typed: str | None, region: str | None) -> Search | None:
    """Return how what was typed is looked for, None where nothing was; numbers without a country
    code are of the region.
    """
    if typed is None or not typed.strip():
        return None
    alternatives: list[Sequence[str]] = []
    if _NUMBER.fullmatch(typed.strip()):
        digits = "".join(character for character in typed if character.isdecimal())
        # Dialled from home: 0176…, 00 49 176…
        if len(bare := digits.lstrip("0")) >= _FEWEST_DIGITS:
            alternatives.append([bare])
        number = phones.typed(typed, region)
        if isinstance(number, str):
            alternatives.append([number.removeprefix("+")])
    if words := words_of(typed):
        alternatives.append(words[:_MOST_WORDS])
    return Search(list(dict.fromkeys(map(tuple, alternatives))))
