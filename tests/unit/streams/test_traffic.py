"""Traffic is reproducible, believable and honest about the answer: pure, nothing is sent.

The truth is compared with a fold of the bytes alone, by the four rules of identity written out
here a second time.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import msgspec
import phonenumbers
import pytest

from streams.contracts.messages import Message
from streams.topics import MESSAGES_INBOUND
from streams.traffic import (
    Population,
    Statistics,
    Traffic,
    TrafficPlan,
    TrafficRun,
    Truth,
)

END = datetime(2026, 3, 4, 12, tzinfo=UTC)
PLAN = TrafficPlan(seed=7, people=1_200, days=45, end=END, broken_share=0.01)


@pytest.fixture(scope="module")
def traffic() -> tuple[list[Traffic], Truth]:
    run = TrafficRun(Population(PLAN))
    return list(run), run.truth()


def _messages(records: Iterable[Traffic]) -> dict[tuple[str, str, str], Message]:
    """Return the messages that are not broken, once each."""
    found: dict[tuple[str, str, str], Message] = {}
    for record in records:
        try:
            message = msgspec.json.decode(record.value, type=Message)
        except msgspec.MsgspecError:
            continue
        if message.message_id.endswith(".broken"):
            continue
        found[message.tenant_id, message.channel.id, message.message_id] = message
    return found


def _person(message: Message) -> str:
    return message.from_ if message.direction == "inbound" else message.to


def _key(message: Message) -> str:
    external_id, channel = _person(message), message.channel
    if channel.type in {"whatsapp", "sms"}:
        return "phone:+" + "".join(filter(str.isdigit, external_id))
    if channel.type in {"email", "webchat"} and "@" in external_id:
        return f"email:{external_id.lower()}"
    if channel.type == "telegram":
        return f"telegram:{external_id}"
    return f"{channel.type}:{channel.id}:{external_id}"


def _sent_at(message: Message) -> datetime:
    time = message.timestamp
    if isinstance(time, str) and not time.isdigit():
        return datetime.fromisoformat(time)
    number = int(time)
    milliseconds = number if number > 10**11 else number * 1000
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def test_the_same_plan_gives_the_same_bytes(traffic: tuple[list[Traffic], Truth]) -> None:
    assert list(TrafficRun(Population(PLAN))) == traffic[0]


def test_one_population_can_be_run_twice() -> None:
    population = Population(TrafficPlan(people=40, end=END))
    assert list(TrafficRun(population)) == list(TrafficRun(population))


def test_another_seed_gives_other_messages_under_other_ids() -> None:
    one, two = (
        set(_messages(TrafficRun(Population(TrafficPlan(seed=seed, people=50, end=END)))))
        for seed in (1, 2)
    )
    assert one.isdisjoint(two)


def test_the_truth_is_what_the_bytes_say(traffic: tuple[list[Traffic], Truth]) -> None:
    records, truth = traffic
    messages = _messages(records).values()
    customers = {(message.tenant_id, _key(message)) for message in messages}
    assert {
        (tenant.tenant_id, key) for tenant in truth.tenants.values() for key in tenant.customers
    } == customers
    for tenant in truth.tenants.values():
        own = [message for message in messages if message.tenant_id == tenant.tenant_id]
        counts = Counter((message.channel.id, message.direction) for message in own)
        assert tenant.messages == counts
        by_key: dict[str, list[Message]] = {}
        for message in own:
            by_key.setdefault(_key(message), []).append(message)
        for key, customer in tenant.customers.items():
            theirs = by_key[key]
            assert customer.identities == {(one.channel.id, _person(one)) for one in theirs}
            assert customer.first_contact_at == min(map(_sent_at, theirs))
            inbound = [_sent_at(one) for one in theirs if one.direction == "inbound"]
            assert customer.last_inbound_at == max(inbound, default=None)
    assert truth.customers == len(customers)
    assert truth.messages == len(messages)
    assert truth.records == len(records)
    assert truth.redelivered == len(records) - len(messages) - sum(truth.broken_by_kind.values())


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Asia/Kathmandu"])
@pytest.mark.parametrize("later_days", [0, 3, 5, 40])
def test_the_three_figures_are_those_of_the_calendar_there(
    traffic: tuple[list[Traffic], Truth], zone: str, later_days: int
) -> None:
    records, truth = traffic
    now = END + timedelta(days=later_days)
    there = ZoneInfo(zone)

    def month(moment: datetime) -> tuple[int, int]:
        return (moment.astimezone(there).year, moment.astimezone(there).month)

    def week(moment: datetime) -> tuple[int, int]:
        return moment.astimezone(there).isocalendar()[:2]

    for tenant in truth.tenants.values():
        first: dict[str, datetime] = {}
        active: set[str] = set()
        for message in _messages(records).values():
            if message.tenant_id != tenant.tenant_id:
                continue
            key, sent_at = _key(message), _sent_at(message)
            first[key] = min(first.get(key, sent_at), sent_at)
            if message.direction == "inbound" and week(sent_at) == week(now):
                active.add(key)
        expected = Statistics(
            total_customers=len(first),
            new_customers_this_month=sum(month(at) == month(now) for at in first.values()),
            active_customers_this_week=len(active),
        )
        assert tenant.statistics(now=now, zone=there) == expected


def test_statistics_of_a_past_moment_are_refused(traffic: tuple[list[Traffic], Truth]) -> None:
    tenant = next(iter(traffic[1].tenants.values()))
    with pytest.raises(ValueError, match="at or after the last message"):
        tenant.statistics(now=PLAN.start)


def test_shares_are_as_planned(traffic: tuple[list[Traffic], Truth]) -> None:
    records, truth = traffic
    inbound = sum(
        count
        for tenant in truth.tenants.values()
        for (_, direction), count in tenant.messages.items()
        if direction == "inbound"
    )
    assert truth.redelivered / truth.messages == pytest.approx(PLAN.redelivery_share, rel=0.3)
    broken = sum(truth.broken_by_kind.values())
    assert broken / inbound == pytest.approx(PLAN.broken_share, rel=0.4)
    assert broken == sum(tenant.broken for tenant in truth.tenants.values())
    newest, late, seen = END - timedelta(days=400), 0, set()
    for record in records:
        late += record.value not in seen and record.sent_at < newest - timedelta(seconds=5)
        seen.add(record.value)
        newest = max(newest, record.sent_at)
    assert late / truth.messages == pytest.approx(PLAN.late_share, rel=0.4)


def test_a_plan_without_faults_has_none_and_comes_in_order() -> None:
    run = TrafficRun(
        Population(
            TrafficPlan(people=100, end=END, redelivery_share=0, late_share=0, broken_share=0)
        )
    )
    times = [_sent_at(message) for message in _messages(run).values()]
    assert run.truth().records == run.truth().messages == len(times)
    # Some platforms tell whole seconds only, so neighbours may differ by less than one.
    assert all(earlier <= later + timedelta(seconds=1) for earlier, later in pairwise(times))


def test_every_fault_occurs_and_none_of_it_is_a_customer(
    traffic: tuple[list[Traffic], Truth],
) -> None:
    assert set(traffic[1].broken_by_kind) == {
        *("not_json", "missing_field", "unknown_direction"),
        *("empty_sender", "blocked_sender", "service_sender"),
    }
    broken = [record for record in traffic[0] if b".broken" in record.value]
    assert all(record.topic is MESSAGES_INBOUND for record in broken)


def test_everything_happens_within_the_plans_days(traffic: tuple[list[Traffic], Truth]) -> None:
    moments = [_sent_at(message) for message in _messages(traffic[0]).values()]
    assert PLAN.start - timedelta(seconds=1) <= min(moments)
    assert max(moments) <= END


def test_all_phones_are_real_numbers_in_one_spelling(traffic: tuple[list[Traffic], Truth]) -> None:
    phones = {
        key.removeprefix("phone:")
        for tenant in traffic[1].tenants.values()
        for key in tenant.customers
        if key.startswith("phone:")
    }
    parsed = [phonenumbers.parse(phone) for phone in phones]
    assert all(phonenumbers.is_valid_number(number) for number in parsed)
    written = {
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) for number in parsed
    }
    assert written == phones
    assert len({number.country_code for number in parsed}) >= 8


def test_the_population_has_the_cases_that_make_identity_hard(
    traffic: tuple[list[Traffic], Truth],
) -> None:
    records, truth = traffic
    types = {
        (inbox.tenant_id, inbox.channel.id): inbox.channel.type
        for business in Population(PLAN).businesses
        for inbox in business.inboxes
    }
    across = Counter(
        frozenset(types[tenant.tenant_id, channel_id] for channel_id, _ in customer.identities)
        for tenant in truth.tenants.values()
        for customer in tenant.customers.values()
    )
    assert across[frozenset({"whatsapp", "sms"})] > 5
    assert across[frozenset({"webchat", "email"})] > 1
    tenants_of = Counter(key for tenant in truth.tenants.values() for key in tenant.customers)
    assert sum(count > 1 for key, count in tenants_of.items() if key.startswith("phone:")) > 3
    silent = [
        customer
        for tenant in truth.tenants.values()
        for customer in tenant.customers.values()
        if customer.last_inbound_at is None
    ]
    assert silent
    messages = list(_messages(records).values())
    assert {message.content.type for message in messages} == {"text", "reaction", "image"}
    assert all(bool(one.agent_id) == (one.direction == "outbound") for one in messages)
    assert any(isinstance(one.timestamp, int) for one in messages)
    assert any(isinstance(one.timestamp, str) and one.timestamp.isdigit() for one in messages)
    assert any(isinstance(one.timestamp, str) and "T" in one.timestamp for one in messages)


def test_truth_covers_what_was_handed_out_and_no_more() -> None:
    run = TrafficRun(Population(PLAN))
    taken = list(islice(iter(run), 500))
    assert run.truth().records == 500
    assert run.truth().messages == len(_messages(taken))
