"""Which names say nothing: those that nobody can see, and those that only repeat the id."""

from typing import Final
from unicodedata import category

from streams.identity.owners import bare_key

_SHORTEST_NUMBER: Final = 5
# Letters and symbols by category, but made to show nothing; people call themselves so.
_FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def is_visible(name: str) -> bool:
    """Say whether there is anything to see: not only white space, control and format characters."""
    return any(letter not in _FILLERS and category(letter)[0] not in {"Z", "C"} for letter in name)


def is_raw_id(name: str, external_id: str, identity_key: str) -> bool:
    """Say whether a display name only repeats the id or the number that it stands for."""
    if name == external_id:
        return True
    if name[0].isalpha():  # the usual name, without a look at the rest
        return False
    digits = "".join(letter for letter in name if letter.isdigit())
    if len(digits) < _SHORTEST_NUMBER or any(letter.isalpha() for letter in name):
        return False
    return digits in identity_key or digits in external_id


def is_raw_key(name: str, identity_key: str) -> bool:
    """Say the same of a name that is said of a key, not of a channel identity."""
    return is_raw_id(name, bare_key(identity_key).partition(":")[2], identity_key)
