"""What the routes take: bodies that say what shall change, checked before anything is sent."""

from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    EmailStr,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel

from streams.identity.keys import email_key

# As the identity core has them: what it would refuse is said to be wrong here, with its place.
MOST_WORDS: Final = 100
_MOST_KEYS: Final = 100
_ID: Final = StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
Id = Annotated[str, _ID]


def _printable(text: str) -> str:
    """Keep what no store takes and no page shows out of names."""
    if not text.isprintable():
        raise ValueError("use printable characters, in one line")
    return text


def _person(address: str) -> str:
    """Return the address as the identity core has it."""
    key = email_key(address)
    if key is None:
        raise ValueError("this address is a mail system's, and no person's")
    return key.removeprefix("email:")


_stripped: Final = {"strip_whitespace": True, "min_length": 1}
Name = Annotated[str, StringConstraints(max_length=200, **_stripped), AfterValidator(_printable)]
Word = Annotated[str, StringConstraints(max_length=64, **_stripped), AfterValidator(_printable)]
Value = Annotated[str, StringConstraints(max_length=1024, pattern=r"^[^\x00]*$")]
Words = Annotated[list[Word], Field(max_length=MOST_WORDS)]
Phone = Annotated[str, StringConstraints(max_length=40, **_stripped)]
Email = Annotated[EmailStr, AfterValidator(_person)]


class _Body(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class CustomerChange(_Body):
    """What shall be different; what is left out stays as it is."""

    display_name: Name | None = Field(None, examples=["Maria Silva"])
    tags: Words | None = Field(
        None, description="the whole list: what it lacks is taken away", examples=[["vip"]]
    )
    add_tags: Words = Field([], examples=[["vip"]])
    remove_tags: Words = Field([], examples=[["lead"]])
    custom_attributes: Annotated[dict[Word, Value | None], Field(max_length=MOST_WORDS)] = Field(
        {}, description="null takes an attribute away", examples=[{"plan": "gold", "trial": None}]
    )
    add_phone: Phone | None = Field(
        None,
        description="in any notation; without a country code it is read in the tenant's region",
        examples=["+55 11 99999-8888"],
    )
    add_email: Email | None = Field(None, examples=["maria@example.com"])
    blocked: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        given = self.model_fields_set
        for name in sorted(given):
            if getattr(self, name) is None:
                raise ValueError(f"{to_camel(name)} cannot be null: leave it out")
        if not given:
            raise ValueError("say what shall change: displayName, tags, addTags, …")
        if "tags" in given and given & {"add_tags", "remove_tags"}:
            raise ValueError("give the whole list as tags, or addTags and removeTags, not both")
        if set(self.add_tags) & set(self.remove_tags):
            raise ValueError("a tag stands in addTags and in removeTags")
        return self


class Merge(_Body):
    """Whom to make one with the customer that the address names; the older one survives."""

    other_customer_id: Id = Field(examples=["0192f0c4-6f5e-5b1a-9c39-2f1f0f3f7a11"])


class IdentityName(_Body):
    """One channel identity, as the customer's record has it."""

    channel_id: str = Field(min_length=1, max_length=128, examples=["wa-1"])
    external_id: str = Field(min_length=1, max_length=512, examples=["5511999998888"])


class Split(_Body):
    """What to take out of the customer into one of its own."""

    identity_keys: list[Annotated[str, StringConstraints(min_length=1, max_length=600)]] = Field(
        [], max_length=_MOST_KEYS, examples=[["phone:+5511999998888"]]
    )
    identities: list[IdentityName] = Field([], max_length=_MOST_KEYS)
    since: AwareDatetime | None = Field(
        None,
        description="of a phone number: only what it did from then on, as its next owner's",
        examples=["2026-06-01T00:00:00Z"],
    )

    @model_validator(mode="after")
    def _names_some(self) -> Self:
        if bool(self.identity_keys) == bool(self.identities):
            raise ValueError("name what to take out: either identityKeys or identities")
        return self


class CommandStatus(_Body):
    """What became of a command."""

    command_id: str
    status: Literal["applied", "refused", "pending"]
    detail: str | None = Field(None, description="why it was refused")
    customer_id: str | None = None
