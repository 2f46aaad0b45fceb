"""`omnichannel what-if`: what a policy would make of the customers there are, before it is set.

The weighing is streams.identity.what_if's; owns the words for it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from rich.console import Console
from rich.table import Table

from api.command_line.errors import CommandError
from api.what_if import known_by_tenant
from streams.cluster import ClusterSettings
from streams.contracts.policies import TenantPolicy
from streams.identity.normalise import Rejection, tenant_of
from streams.identity.policy import Policy
from streams.identity.what_if import REASONS, Change, Reason, by_rule, new_changes, outcome
from streams.policies import PolicyBook, PolicyTopic, policy_book
from streams.policy_file import policy_in
from streams.settings import WorkerSettings
from warehouse import open_warehouse
from warehouse.evidence import evidence
from warehouse.queries import Warehouse


@dataclass(frozen=True, slots=True)
class TenantForecast:
    """What changes in one tenant, by what the policy in force would not do by itself. Of the
    `untold` customers it cannot be told.
    """

    tenant_id: str
    customers: int
    changes: tuple[Change, ...]
    already_due: int
    asked_now: Mapping[str, int]
    asked_then: Mapping[str, int]
    untold: Mapping[str, Reason]
    unseen: tuple[str, ...]

    @property
    def customers_then(self) -> int:
        """Return how many customers there would be."""
        kinds = Counter(change.kind for change in self.changes)
        return self.customers - kinds["merge"] + kinds["split"]


def what_if(
    file: Annotated[Path, cyclopts.Parameter(help="The policy file to try, as TOML.")],
    *,
    tenant: Annotated[
        str | None,
        cyclopts.Parameter(help="The file is this one's policy, as `policy set` takes it."),
    ] = None,
    examples: Annotated[
        int,
        cyclopts.Parameter(
            help="Changes shown of each rule.", validator=cyclopts.validators.Number(gte=0)
        ),
    ] = 3,
    as_json: Annotated[
        bool, cyclopts.Parameter(name="--json", negative=(), help="All changes, as JSON.")
    ] = False,
    without_kafka: Annotated[
        bool,
        cyclopts.Parameter(
            negative=(), help="Take no policies that commands set: settings and file alone."
        ),
    ] = False,
) -> None:
    """List who would become one customer, and who would part, if this policy were set."""
    settings = WorkerSettings()
    current = policy_book(settings)
    proposed = policy_book(
        settings if tenant else settings.model_copy(update={"policy_file": file})
    )
    own = _policy_of(tenant, file) if tenant else None
    with Console(stderr=True).status("reading the policies") as status:
        if not without_kafka:
            for book in (current, proposed):
                topic = PolicyTopic(ClusterSettings(), book)
                topic.read()
                topic.close()
        if own is not None:
            proposed.put(own)
        status.update("weighing the evidence")
        with open_warehouse() as warehouse:
            forecasts = forecast(warehouse, current, proposed, only=own.tenant_id if own else None)
    if as_json:
        print(json.dumps(document(forecasts), ensure_ascii=False, indent=2))
    else:
        show(forecasts, Console(highlight=False), examples=examples)


def _policy_of(name: str, file: Path) -> TenantPolicy:
    """Return the file as the policy that a command would set for the tenant."""
    tenant = tenant_of(name)
    if isinstance(tenant, Rejection):
        raise CommandError(tenant.detail)
    return TenantPolicy(
        tenant_id=tenant,
        policy=policy_in(file),
        set_at=datetime.now(UTC),
        set_by="what-if",
        command_id="what-if",
    )


def forecast(
    warehouse: Warehouse, current: PolicyBook, proposed: PolicyBook, *, only: str | None = None
) -> list[TenantForecast]:
    """Return what the proposed policies change, tenant by tenant."""
    counted = warehouse.connection.execute(
        "select tenant_id, count(*) from customers group by tenant_id order by tenant_id"
    ).fetchall()
    known = known_by_tenant(evidence(warehouse))
    forecasts = []
    for tenant_id, customers in counted:
        before, after = current.of(tenant_id), proposed.of(tenant_id)
        if only not in {None, tenant_id}:
            continue
        changes: Sequence[Change] = ()
        due, asked_now, asked_then = 0, Counter[str](), Counter[str]()
        untold: Mapping[str, Reason] = {}
        if (there := known.get(tenant_id)) is not None:
            now, then = outcome(there, before), outcome(there, after)
            changes = new_changes(then, now)
            due = len(then.changes) - len(changes)
            asked_now, asked_then = Counter(now.questions), Counter(then.questions)
            untold = then.untold
        forecasts.append(
            TenantForecast(
                tenant_id,
                customers,
                tuple(changes),
                due,
                asked_now,
                asked_then,
                untold,
                tuple(unseen(before, after)),
            )
        )
    return forecasts


def unseen(before: Policy, after: Policy) -> list[str]:
    """Return what the forecast cannot know, whoever it is about."""
    found = []
    if any(
        after.verdict(rule) == "link" != before.verdict(rule)
        for rule in {*before.rules, *after.rules}
    ):
        found.append(
            "what a platform said of two numbers is known once somebody has written from one"
        )
    if after.identity_cap > before.identity_cap:
        found.append("what the cap forbade stays forbidden until somebody confirms it")
    if after.nobody != before.nobody:
        found.append("who is nobody decides about messages to come, not about customers there are")
    return found


def document(forecasts: Sequence[TenantForecast]) -> dict[str, Any]:
    """Return all of it for machines."""
    return {
        "tenants": [
            {
                "tenantId": one.tenant_id,
                "customers": one.customers,
                "customersThen": one.customers_then,
                "alreadyDue": one.already_due,
                "rules": {
                    rule: {
                        "merges": counts["merge"],
                        "splits": counts["split"],
                        "questionsNow": one.asked_now.get(rule, 0),
                        "questionsThen": one.asked_then.get(rule, 0),
                    }
                    for rule, counts in _rules(one).items()
                },
                "changes": [
                    {
                        "kind": change.kind,
                        "rule": change.rule,
                        "customerId": change.customer_id,
                        "otherCustomerId": change.other_customer_id,
                        "identityKey": change.identity_key,
                        "otherIdentityKey": change.other_identity_key,
                        "messageId": change.message_id or None,
                    }
                    for change in one.changes
                ],
                "untold": [
                    {"customerId": own_id, "reason": reason, "because": REASONS[reason]}
                    for own_id, reason in one.untold.items()
                ],
                "unseen": list(one.unseen),
            }
            for one in forecasts
        ]
    }


def _rules(one: TenantForecast) -> dict[str, Counter[str]]:
    """Return merges and splits of every rule that changes anything, or asks otherwise."""
    counted = by_rule(one.changes)
    asked = one.asked_now.keys() | one.asked_then.keys()
    for rule in sorted(asked):
        if one.asked_now.get(rule, 0) != one.asked_then.get(rule, 0):
            counted.setdefault(rule, Counter())
    return dict(sorted(counted.items()))


def show(forecasts: Sequence[TenantForecast], console: Console, *, examples: int) -> None:
    """Print it for people."""
    table = Table("tenant", "rule", "merges", "splits", "asked now", "asked then")
    for one in forecasts:
        for rule, counts in _rules(one).items():
            table.add_row(
                one.tenant_id,
                rule,
                f"{counts['merge']:,}",
                f"{counts['split']:,}",
                f"{one.asked_now.get(rule, 0):,}",
                f"{one.asked_then.get(rule, 0):,}",
            )
    if table.rows:
        console.print(table)
    for one in forecasts:
        for line in said(one, examples):
            console.print(line, markup=False, soft_wrap=True)
    if not forecasts:
        console.print("There are no customers that a policy could change.")


def said(one: TenantForecast, examples: int) -> list[str]:
    """Return one tenant's forecast as sentences."""
    shown: defaultdict[tuple[str, str], int] = defaultdict(int)
    lines = []
    for change in one.changes:
        shown[change.kind, change.rule] += 1
        if shown[change.kind, change.rule] <= examples:
            lines.append(f"{one.tenant_id}: {_sentence(change)}")
    for (kind, rule), count in shown.items():
        if examples and count > examples:
            lines.append(f"{one.tenant_id}: and {count - examples:,} more {kind}s by {rule}")
    if not one.changes:
        lines.append(f"{one.tenant_id}: nobody would be merged or split.")
    else:
        lines.append(
            f"{one.tenant_id}: {one.customers:,} customers now, {one.customers_then:,} then, as "
            "each is next heard from."
        )
    if one.already_due:
        lines.append(
            f"{one.tenant_id}: {one.already_due:,} more changes are due by the policy in force, "
            "and are not counted."
        )
    lines += _untold(one, examples)
    lines += [f"{one.tenant_id}: not seen: {sentence}." for sentence in one.unseen]
    return lines


def _untold(one: TenantForecast, examples: int) -> Iterator[str]:
    """Yield of whom it cannot be told, and why; of each reason as many as changes are shown."""
    by_reason: defaultdict[Reason, list[str]] = defaultdict(list)
    for own_id, reason in one.untold.items():
        by_reason[reason].append(own_id)
    for reason, ids in by_reason.items():
        named = f": {', '.join(ids[:examples])}" if examples else ""
        more = ", …" if examples and len(ids) > examples else ""
        yield (
            f"{one.tenant_id}: of {len(ids):,} customers it cannot be told, because "
            f"{REASONS[reason]}{named}{more}"
        )


def _sentence(change: Change) -> str:
    evidence_said = f"{change.identity_key} and {change.other_identity_key}"
    message = f", message {change.message_id}" if change.message_id else ""
    if change.kind == "merge":
        return (
            f"{change.other_customer_id} would go into {change.customer_id} by {change.rule} "
            f"({evidence_said}{message})"
        )
    return (
        f"{change.customer_id} would lose {change.other_customer_id}: {change.rule} would no "
        f"longer tie {evidence_said}{message}"
    )
