"""`omnichannel why`: who a customer is made of, on what evidence, in sentences.

What is known is warehouse.explanations'; owns the words for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Final

import cyclopts
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.command_line.errors import CommandError
from warehouse import open_warehouse
from warehouse.explanations import (
    Erased,
    Explanation,
    Identity,
    Link,
    Suggestion,
    Unknown,
    explain,
)

# What each rule says of two identity keys; {by} is who issued the command.
RULES: Final[Mapping[str, str]] = {
    "same_account": "the platform shows both as ids of one account",
    "account_moved": "the platform says that the account moved from one to the other",
    "contact_shared": "the person shared their own contact, and the platform says it is theirs",
    "vouched_value": "the platform vouches that the address is this person's",
    "signed_reference": "the business signed that this person is the customer it refers to",
    "agent_value": "{by} added it to the customer",
    "self_declared": "the person gave it as their own, and nobody vouches for that",
    "phone_variant": "the two numbers may be two ways to write one",
    "agent_merge": "{by} merged the two customers",
    "suggestion_confirmed": "{by} confirmed that the two are one person",
}
_REASONS: Final[Mapping[str, str]] = {
    "claimed": "evidence of this kind only suggests",
    "different_references": "the business itself knows the two as different customers",
    "identity_cap": "together they would have more identities than the policy allows",
}
_STATUSES: Final[Mapping[str, str]] = {
    "active": "has written to us",
    "contacted": "was written to, and has not answered yet",
}


def why(
    customer_id: Annotated[str, cyclopts.Parameter(help="The customer's id, or a merged one.")],
    *,
    tenant: Annotated[str | None, cyclopts.Parameter(help="Only if it is this one's.")] = None,
) -> None:
    """Say who a customer is made of, and on what evidence."""
    with open_warehouse() as warehouse:
        found = explain(warehouse, customer_id, tenant)
    match found:
        case Explanation():
            show(found, Console(highlight=False))
        case Erased(erased_at=erased_at):
            print(
                f"{customer_id} led to somebody who was erased on {_day(erased_at)}. Nothing else "
                "is known of them."
            )
        case Unknown(tenant_id=None):
            raise CommandError(
                f"no customer {customer_id} was loaded: look it up in `customers` of the published "
                "copy, or run `omnichannel load --until-caught-up` if they are new"
            )
        case Unknown(tenant_id=owner):
            raise CommandError(
                f"{tenant} has no customer {customer_id}: it is {owner}'s; leave --tenant away, or "
                "give theirs"
            )


def show(customer: Explanation, console: Console) -> None:
    """Print who it is, how they are reached, what holds them together, and what is in question."""
    console.print(_text(customer.display_name, "bold"))
    for line in _who(customer):
        console.print(_text(line))
    _heading(console, "Reached as")
    console.print(_identities(customer.identities))
    _heading(console, "Why this is one person")
    _list(console, evidence(customer))
    if customer.merged_ids:
        _heading(console, "Went into this customer")
        _list(console, customer.merged_ids)
    if customer.suggestions:
        _heading(console, "Not decided yet")
        _list(console, map(question, customer.suggestions))


def _who(customer: Explanation) -> Iterator[str]:
    if customer.asked_id != customer.customer_id:
        yield f"{customer.asked_id} was merged into {customer.customer_id}, who lives on."
    yield (
        f"Customer {customer.customer_id} of {customer.tenant_id}, since "
        f"{_minute(customer.created_at)}."
    )
    yield f"Status {customer.status}: {_STATUSES.get(customer.status, 'see docs/metrics.md')}."
    if customer.blocked:
        yield "Blocked."
    if customer.possible_new_owner_since is not None:
        yield (
            f"Since {_minute(customer.possible_new_owner_since)} this may be somebody else: after "
            "a long silence, another name writes from the same number."
        )


def _identities(identities: Iterable[Identity]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("Channel", "Type", "Id there", "First seen (UTC)", "Last seen (UTC)"):
        table.add_column(title, overflow="fold")
    for one in identities:
        handle = f" (@{one.username.lstrip('@')})" if one.username else ""
        cells = (one.channel_id, one.channel_type, one.external_id + handle)
        times = (_clock(one.first_seen_at), _clock(one.last_seen_at))
        table.add_row(*(_text(cell) for cell in (*cells, *times)))
    return table


def evidence(customer: Explanation) -> Iterator[str]:
    """Yield a sentence for each link, and for each identity that needs none or has none."""
    yield from (sentence(link) for link in customer.links)
    by_key: dict[str, list[Identity]] = {}
    for one in customer.identities:
        by_key.setdefault(one.identity_key, []).append(one)
    for key, same in by_key.items():
        if len(same) > 1:
            places = ", ".join(one.channel_id for one in same)
            yield f"{key} is the same on {places}: nothing had to tie those together."
    named = {key for link in customer.links for key in (link.identity_key, link.other_identity_key)}
    if len(by_key) == 1 and not customer.links:
        if len(customer.identities) == 1:
            yield "There is one identity only: nothing had to tie it to another."
        return
    for key in by_key:
        if key not in named:
            yield (
                f"No evidence is recorded for {key}: it is older than the record of evidence, or "
                "a split left it on this side."
            )


def sentence(link: Link) -> str:
    """Return what ties two keys together, who said so and when."""
    return (
        f"{link.identity_key} and {link.other_identity_key}: {_rule(link.rule, link.said_by)} "
        f"({link.level}; {_minute(link.said_at)}; {_source(link)})."
    )


def question(suggestion: Suggestion) -> str:
    """Return who else this may be, and why nothing was decided."""
    other = suggestion.other_customer_id
    if other is None:
        who = "whoever writes from there"
    elif suggestion.other_display_name is None:
        who = other
    else:
        who = f"{suggestion.other_display_name} ({other})"
    reason = _REASONS.get(suggestion.reason, suggestion.reason)
    keys = f"{suggestion.identity_key} and {suggestion.other_identity_key}"
    return (
        f"May be {who}, {keys} being one person's: {_rule(suggestion.rule, None)}; but {reason} "
        f"({_minute(suggestion.said_at)}; suggestion {suggestion.suggestion_id})."
    )


def _rule(rule: str, said_by: str | None) -> str:
    return RULES.get(rule, f"by the rule {rule}").format(by=said_by or "somebody")


def _source(link: Link) -> str:
    if link.channel_id is not None:
        return f"message {link.message_id} on {link.channel_id}"
    return f"command {link.message_id} of {link.said_by or 'somebody'}"


def _text(text: str, style: str = "") -> Text:
    """Return other people's text as it may stand on a terminal: no markup, nothing invisible."""
    return Text("".join(c if c.isprintable() else "\ufffd" for c in text), style=style)


def _heading(console: Console, title: str) -> None:
    console.print()
    console.print(_text(title, "bold"))


def _list(console: Console, sentences: Iterable[str]) -> None:
    for one in sentences:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        grid.add_row(_text("-"), _text(one))
        console.print(grid)


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _minute(at: datetime) -> str:
    return f"{_clock(at)} UTC"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
