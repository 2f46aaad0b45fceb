"""What an update command sets, checked: values by hand, by an import, by enrichment."""

from collections.abc import Iterator
from typing import Final

from streams.contracts.commands import UpdateCustomer
from streams.identity.keys import email_key
from streams.identity.names import is_raw_key, is_visible
from streams.identity.phones import InvalidPhone, typed
from streams.identity.policy import Policy
from streams.identity.refusals import RefusedError
from streams.identity.registers import (
    RANK_AGENT,
    RANK_FALLBACK,
    RANK_IMPORT,
    RANK_PROFILE,
    Register,
)
from streams.identity.state import Edits

_RANKS: Final = {"agent": RANK_AGENT, "import": RANK_IMPORT, "profile": RANK_PROFILE}
_NAME_KEPT: Final = 200
_URL_KEPT: Final = 2_048
_WORD_KEPT: Final = 64
_VALUE_KEPT: Final = 1_024


def edits_of(command: UpdateCustomer, key: str, at_ms: int, epoch: int) -> Edits:
    """Return what the command sets, of the customer whose key it addresses."""
    rank = _RANKS[command.source]
    blocked = command.blocked
    return Edits(
        epoch=epoch,
        name=_name(command, key, rank, at_ms),
        picture_url=_text("profilePictureUrl", command.profile_picture_url, _URL_KEPT, rank, at_ms),
        blocked=None if blocked is None else Register(rank, at_ms, "blocked" if blocked else ""),
        tags={
            **{_word("a tag", tag): Register(rank, at_ms, "") for tag in command.remove_tags},
            **{_word("a tag", tag): Register(rank, at_ms, "set") for tag in command.add_tags},
        },
        attributes={
            _word("an attribute's name", name): Register(rank, at_ms, _attribute(name, value))
            for name, value in command.custom_attributes.items()
        },
    )


def _name(command: UpdateCustomer, key: str, rank: int, at_ms: int) -> Register | None:
    name = _text("displayName", command.display_name, _NAME_KEPT, rank, at_ms)
    if name is None:
        return None
    if not is_visible(name.value):
        if rank == RANK_PROFILE:
            return None  # people do call themselves so, and the rest of the profile stands
        raise RefusedError("displayName: nobody could see it")
    # A program that has no name says the number; a person who writes it means it.
    if rank != RANK_AGENT and is_raw_key(name.value, key):
        return Register(RANK_FALLBACK, at_ms, name.value)
    return name


def _text(name: str, text: str | None, at_most: int, rank: int, at_ms: int) -> Register | None:
    if text is None:
        return None
    kept = text.replace("\x00", "").strip()
    if not 0 < len(kept) <= at_most:
        raise RefusedError(f"{name}: 1 to {at_most} characters, or leave it out")
    return Register(rank, at_ms, kept)


def _word(name: str, text: str) -> str:
    kept = text.replace("\x00", "").strip()
    if not 0 < len(kept) <= _WORD_KEPT:
        raise RefusedError(f"{name}: 1 to {_WORD_KEPT} characters")
    return kept


def _attribute(name: str, value: str | None) -> str:
    if value is None:
        return ""
    if len(value) > _VALUE_KEPT:
        raise RefusedError(f"the attribute {name}: at most {_VALUE_KEPT} characters")
    return "=" + value.replace("\x00", "")


def added_keys(command: UpdateCustomer, policy: Policy) -> Iterator[str]:
    """Yield the identity keys of the phone and the e-mail that the command adds."""
    if command.add_phone is not None:
        number = typed(command.add_phone, policy.region)
        if isinstance(number, InvalidPhone):
            raise RefusedError(f"addPhone: {number.advice}")
        yield f"phone:{number}"
    if command.add_email is not None:
        address = email_key(command.add_email)
        if address is None:
            raise RefusedError("addEmail: this is not an e-mail address")
        yield address
