"""Lists of customers against plain Python: every order, every filter, every page."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.live_view import windows
from api.live_view.customers import CustomersRequest, Sort
from api.live_view.filters import CustomerFilter
from api.live_view.lookups import Lookups
from api.live_view.numbers import number_of
from api.live_view.pages import cursor_of
from api.live_view.words import words_of
from api.problems import ProblemError
from streams.contracts.customers import Customer
from streams.contracts.wire import encode
from tests.examples import examples
from tests.unit.api.live_view import fed as fed_module
from tests.unit.api.live_view.fed import FedView
from tests.unit.pipelines.builders import START, customer, identity

HEALTH = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
NOW = START + timedelta(days=60)
NAMES = (
    "Ana",
    "ana",
    "Ána",
    "Änne Müller",
    "João da Silva",
    "山田太郎",
    "",
    "Zoë",
    "O'Neil-Brown",
    "%_",
)


# The channels take U+0000 out of every name before anybody sees it.
WITHOUT_NUL = st.characters(codec="utf-8", exclude_characters="\0")
# What this Python's tables name; DuckDB's are of a later Unicode, and know some letters more.
IN_BOTH = st.characters(exclude_categories=("Cs", "Cn"), exclude_characters="\0")


def made(number: int, about: dict[str, Any], tenant: str = "acme") -> Customer:
    """Return a customer of a drawn shape; its `tenant` says whether it is of this one."""
    prefix = "" if tenant == "acme" else f"{tenant} "
    seen = START + timedelta(hours=about["seen"])
    shape = customer(
        f"{prefix}c{number}",
        tenant_id=tenant if about["tenant"] == "acme" else "umbrella",
        name=about["name"],
        identities=tuple(
            msgspec.structs.replace(
                identity(f"+55119{number:04}{place:04}", channel_id=channel, last_seen_at=seen),
                last_inbound_at=seen if about["wrote"] else None,
            )
            for place, channel in enumerate(about["channels"])
        ),
        status=about["status"],
        created_at=START + timedelta(hours=about["created"]),
        blocked=about["blocked"],
        merged_into=about["merged_into"],
    )
    metadata = msgspec.structs.replace(shape.metadata, last_seen_at=seen)
    return msgspec.structs.replace(shape, metadata=metadata, tags=about["tags"])


def loaded(fed: FedView, drawn: list[dict[str, Any]]) -> tuple[str, list[Customer]]:
    """Return a new tenant and who was drawn, of it and of others, once the view has them."""
    tenant = fed.new_tenant()
    everybody = [made(number, about, tenant) for number, about in enumerate(drawn)]
    if everybody:
        fed.records(*everybody)
    return tenant, everybody


people = st.lists(
    st.fixed_dictionaries(
        {
            "tenant": st.sampled_from(["acme", "umbrella"]),
            "name": st.sampled_from(NAMES),
            "channels": st.lists(st.sampled_from(["wa-1", "sms-1"]), min_size=1, max_size=2),
            "seen": st.integers(0, 1600),
            "created": st.integers(0, 3),
            "wrote": st.booleans(),
            "status": st.sampled_from(["active", "contacted"]),
            "blocked": st.booleans(),
            "tags": st.sampled_from([(), ("vip",), ("vip", "new")]),
            "merged_into": st.sampled_from([None, None, None, "c0"]),
        }
    ),
    max_size=14,
)
filters = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from(["wa-1", "sms-1", "none"]),
        "channel_type": st.just("whatsapp"),
        "status": st.sampled_from(["active", "contacted"]),
        "activity": st.sampled_from(["active", "inactive"]),
        "created_from": st.just(START + timedelta(hours=1)),
        "created_before": st.just(START + timedelta(hours=2)),
        "last_seen_from": st.just(START + timedelta(hours=400)),
        "last_seen_before": st.just(START + timedelta(hours=900)),
        "source": st.sampled_from(["auto_created", "import"]),
        "tag": st.sampled_from(["vip", "new"]),
        "blocked": st.booleans(),
    },
)


def is_wanted(one: Customer, wanted: dict[str, Any]) -> bool:
    """Say what a filter means, in plain words."""
    wrote_at = max((i.last_inbound_at for i in one.identities if i.last_inbound_at), default=None)
    is_active = wrote_at is not None and wrote_at >= datetime(2026, 11, 1, tzinfo=UTC)
    seen = one.metadata.last_seen_at
    means: dict[str, Callable[[Any], bool]] = {
        "channel": lambda v: any(i.channel_id == v for i in one.identities),
        "channel_type": lambda v: any(i.channel_type == v for i in one.identities),
        "status": lambda v: one.status == v,
        "activity": lambda v: is_active == (v == "active"),
        "created_from": lambda v: one.created_at >= v,
        "created_before": lambda v: one.created_at < v,
        "last_seen_from": lambda v: seen >= v,
        "last_seen_before": lambda v: seen < v,
        "source": lambda v: one.metadata.source == v,
        "tag": lambda v: v in one.tags,
        "blocked": lambda v: one.blocked == v,
    }
    return one.merged_into is None and all(means[name](value) for name, value in wanted.items())


def pages(fed: FedView, wanted: CustomerFilter, sort: Sort, limit: int) -> Iterator[Customer]:
    """Yield all customers, page by page."""
    for document in documents(fed, wanted, sort, limit):
        yield msgspec.json.decode(document, type=Customer)


def documents(fed: FedView, wanted: CustomerFilter, sort: Sort, limit: int) -> Iterator[str]:
    """Yield all customers as they are answered, page by page."""
    cursor = None
    while True:
        page = fed.page(
            CustomersRequest(wanted=wanted, sort=sort, cursor=cursor, limit=limit, now=NOW)
        )
        assert len(page.documents) <= limit
        yield from page.documents
        cursor = page.next
        if cursor is None:
            return


@settings(deadline=None, max_examples=examples(15), suppress_health_check=HEALTH)
@given(people, filters, st.sampled_from(get_args(Sort)), st.integers(1, 5))
def test_pages_hold_every_wanted_customer_once_and_in_order(
    shared: FedView,
    drawn: list[dict[str, Any]],
    wanted: dict[str, Any],
    sort: Sort,
    limit: int,
) -> None:
    tenant, everybody = loaded(shared, drawn)
    shown = list(pages(shared, CustomerFilter(tenant_id=tenant, **wanted), sort, limit))

    ours = [one for one in everybody if one.tenant_id == tenant and is_wanted(one, wanted)]
    assert sorted(one.id for one in shown) == sorted(one.id for one in ours)
    if "Name" not in sort:
        times = [one.metadata.last_seen_at if "Seen" in sort else one.created_at for one in shown]
        assert times == sorted(times, reverse=sort.startswith("-"))


def test_names_sort_without_regard_to_case_and_accents(fed: FedView) -> None:
    names = ["Zoë", "ana", "Änne", "Ana Paula", "Ána", "Bea", "anabela"]
    fed.records(*(customer(f"c{n}", name=name) for n, name in enumerate(names)))

    shown = [
        one.display_name for one in pages(fed, CustomerFilter(tenant_id="acme"), "displayName", 2)
    ]

    assert [name for name in shown if name not in {"ana", "Ána"}] == [
        "Ana Paula", "anabela", "Änne", "Bea", "Zoë",
    ]  # fmt: skip
    assert set(shown[:2]) == {"ana", "Ána"}


def test_page_goes_on_where_it_was_though_the_list_moves(fed: FedView) -> None:
    everybody = [made(n, PLAIN | {"seen": n}) for n in range(6)]
    fed.records(*everybody)
    wanted = CustomerFilter(tenant_id="acme")
    reading = pages(fed, wanted, "-lastSeenAt", 2)
    first = [next(reading).id, next(reading).id]
    moved = made(0, PLAIN | {"seen": 99})  # writes meanwhile, and goes to the top
    fed.records(msgspec.structs.replace(moved, version=2))

    rest = [one.id for one in reading]

    assert first + rest == ["c5", "c4", "c3", "c2", "c1"]


def found(
    fed: FedView, typed: str, *, tenant_id: str = "acme", region: str | None = "BR"
) -> set[str]:
    """Return whom a search finds."""
    wanted = CustomerFilter(tenant_id=tenant_id, search=typed)
    page = fed.page(CustomersRequest(wanted=wanted, limit=200, now=NOW, region=region))
    return {msgspec.json.decode(one, type=Customer).id for one in page.documents}


PLAIN: dict[str, Any] = {
    "tenant": "acme", "name": "Ana", "channels": ["wa-1"], "seen": 0, "created": 0, "wrote": True,
    "status": "active", "blocked": False, "tags": (), "merged_into": None,
}  # fmt: skip


@pytest.mark.parametrize(
    "typed",
    [
        "João", "joao", "JOÃO DA", "silva joa", "da silva", "jo",
        "+55 31 98888-8888", "(31) 98888-8888", "5531988888888", "0055 31 98888 8888", "8888",
        "988888888", "maria.silva@example.org", "maria.si", "@joaos", "joaos",
    ],
)  # fmt: skip
def test_customer_is_found_by_what_people_type(fed: FedView, typed: str) -> None:
    ways = (
        msgspec.structs.replace(identity("+5531988888888"), username="joaos"),
        identity("maria.silva@example.org", identity_key="email:maria.silva@example.org"),
    )
    joao = customer("joao", name="João da Silva", identities=ways)
    fed.records(
        msgspec.structs.replace(joao, emails=("maria.silva@example.org",)),
        customer("other", name="Bea", identities=(identity("+491701234567"),)),
        customer("foreign", name="João da Silva", tenant_id="umbrella", identities=ways),
    )

    assert found(fed, typed) == {"joao"}


@pytest.mark.parametrize(
    "typed", ["silvaz", "oao", "%", "_", "joao bea", "\x00", "7777777", "' or 1"]
)
def test_search_finds_nobody_else(fed: FedView, typed: str) -> None:
    fed.records(customer("joao", name="João da Silva"), customer("bea", name="Bea"))

    assert found(fed, typed) == set()


@settings(deadline=None, max_examples=examples(20), suppress_health_check=HEALTH)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=4), st.text(max_size=12))
def test_rare_words_and_common_words_are_found_alike(
    shared: FedView, names: list[str], typed: str
) -> None:
    """The index of rare words and the scan for common ones are two ways to one answer."""
    tenant = shared.new_tenant()
    shared.records(
        *(customer(f"{tenant} c{n}", tenant_id=tenant, name=name) for n, name in enumerate(names))
    )
    for said in (typed, *names):
        by_index = found(shared, said, tenant_id=tenant)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Lookups, "candidates", lambda _lookups, _alternatives: None)
            assert found(shared, said, tenant_id=tenant) == by_index


@settings(deadline=None, max_examples=examples(15), suppress_health_check=HEALTH)
@given(people, filters, st.sampled_from(get_args(Sort)), st.integers(1, 5))
def test_search_with_filters_is_the_same_among_few_and_among_all(
    shared: FedView,
    drawn: list[dict[str, Any]],
    asked: dict[str, Any],
    sort: Sort,
    limit: int,
) -> None:
    tenant, everybody = loaded(shared, drawn)
    wanted = CustomerFilter(tenant_id=tenant, search="+55119", **asked)
    few = [one.id for one in pages(shared, wanted, sort, limit)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Lookups, "candidates", lambda _lookups, _alternatives: None)
        assert [one.id for one in pages(shared, wanted, sort, limit)] == few
    ours = [one for one in everybody if one.tenant_id == tenant and is_wanted(one, asked)]
    assert sorted(one.id for one in ours) == sorted(few)


@settings(deadline=None, max_examples=examples(20), suppress_health_check=HEALTH)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Ana", "Anabel Maria dos Santos", "Zoe", "", None]),
            st.none() | st.integers(0, 3),
            st.integers(0, 3),
            st.integers(0, 4),
        ),
        max_size=9,
    ),
    st.sampled_from(get_args(Sort)),
    st.integers(1, 4),
)
def test_pages_of_everybody_are_the_same_looked_up_and_read_from_columns(
    shared: FedView,
    drawn: list[tuple[str | None, int | None, int, int]],
    sort: Sort,
    limit: int,
) -> None:
    """Also of records that say no name or no time: they come last; and after changes of each."""
    tenant = shared.new_tenant()
    for version, (name, seen_hours, created_hours, number) in enumerate(drawn, 1):
        said = msgspec.to_builtins(
            customer(
                f"{tenant} c{number}",
                tenant_id=tenant,
                version=version,
                created_at=START + timedelta(hours=created_hours),
            )
        )
        said["displayName"] = name
        said["metadata"]["lastSeenAt"] = (
            None if seen_hours is None else START + timedelta(hours=seen_hours)
        )
        shared.take(("customers", said["id"].encode(), msgspec.json.encode(said)))
    wanted = CustomerFilter(tenant_id=tenant)

    def ids() -> list[str]:
        return [msgspec.json.decode(one)["id"] for one in documents(shared, wanted, sort, limit)]

    looked_up = ids()
    assert len(looked_up) == len(set(looked_up)) == len({one[3] for one in drawn})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fed_module, "customers_looked_up", lambda _request, _lookups: None)
        assert ids() == looked_up


@settings(deadline=None, max_examples=examples(10), suppress_health_check=HEALTH)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=12),
    st.sampled_from(get_args(Sort)),
)
def test_pages_of_a_search_are_the_same_however_far_down_one_looks_at_first(
    shared: FedView, people: list[tuple[int, bool]], sort: Sort
) -> None:
    tenant = shared.new_tenant()
    shared.records(
        *(
            customer(
                f"{tenant} c{n}",
                tenant_id=tenant,
                name="Maria" if is_meant else "Ana",
                created_at=START + timedelta(hours=hours),
            )
            for n, (hours, is_meant) in enumerate(people)
        )
    )
    wanted = CustomerFilter(tenant_id=tenant, search="mar")

    def ids() -> list[str]:
        return [one.id for one in pages(shared, wanted, sort, limit=2)]

    by_index = ids()
    assert len(by_index) == sum(is_meant for _, is_meant in people)
    for widths in ((), (1, 3), (4,)):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Lookups, "candidates", lambda _lookups, _alternatives: None)
            patched.setattr(windows, "WIDTHS", widths)
            shared.store.windows = windows.Windows()
            assert ids() == by_index
            assert ids() == by_index  # from where it was found


@pytest.mark.parametrize("sort", get_args(Sort))
@pytest.mark.parametrize(
    "place", [[1], [1, 2], [1, 2, 3, 4], ["a", "b"], [2**63, 1], [2**63, 1, 1]]
)
def test_cursor_that_no_page_gave_is_refused_or_leads_somewhere(  # never a fault of ours
    fed: FedView, sort: Sort, place: list[Any]
) -> None:
    fed.records(customer("c1"))
    cursor = cursor_of(sort, place)
    for wanted in (CustomerFilter(tenant_id="acme"), CustomerFilter(tenant_id="acme", tag="vip")):
        request = CustomersRequest(wanted=wanted, sort=sort, cursor=cursor, limit=1, now=NOW)
        with suppress(ProblemError):
            fed.page(request)


def test_search_follows_a_change_of_name_a_merge_and_an_erasure(fed: FedView) -> None:
    fed.records(
        customer("c1", name="Beatriz"),
        customer("c2", name="Quirino"),
        customer("c3", name="Xavier"),
    )
    fed.records(
        customer("c1", name="Carolina", version=2),
        customer("c2", name="Quirino", version=2, merged_into="c1", identities=()),
    )
    fed.erased("c3")

    assert found(fed, "beatriz") == set()
    assert found(fed, "carolina") == {"c1"}
    assert found(fed, "quirino") == set()
    assert found(fed, "xavier") == set()
    assert fed.store.lookups.candidates([["xavier"]]) == []


@pytest.mark.parametrize("cursor", ["", "x", "bm90IGpzb24", "W10", "WyItY3JlYXRlZEF0IiwxLCJjIl0"])
def test_cursor_of_another_list_is_refused_with_the_remedy(fed: FedView, cursor: str) -> None:
    wanted = CustomerFilter(tenant_id="acme")
    with pytest.raises(ProblemError, match="leave `cursor` out"):
        fed.page(CustomersRequest(wanted=wanted, cursor=cursor, limit=1, now=NOW))


def test_merged_ids_lead_to_who_lives_on_also_over_several(fed: FedView) -> None:
    fed.records(
        customer("c1"),
        customer("c2", merged_into="c1", identities=()),
        customer("c3", merged_into="c2", identities=()),
    )
    lives = fed.store.lookups.living("acme", "c3")
    foreign = fed.store.lookups.living("umbrella", "c3")
    assert lives is not None
    assert lives.customer_id == "c1"
    assert foreign is None


@settings(deadline=None, max_examples=examples(65), suppress_health_check=HEALTH)
@given(st.lists(st.text(IN_BOTH, max_size=20), min_size=1, max_size=20))
def test_words_are_what_duckdb_takes_for_letters_without_case_and_accents(
    shared: FedView, texts: list[str]
) -> None:
    with shared.store.reader() as reader:
        rows = reader.execute(
            """
            select regexp_extract_all(
                strip_accents(lower(nfc_normalize(said))), '[\\p{L}\\p{N}\\p{M}]+'
            ) from (select unnest($texts) as said)
            """,
            {"texts": texts},
        ).fetchall()
    assert [words for (words,) in rows] == [words_of(text) for text in texts]


@settings(deadline=None, max_examples=examples(15), suppress_health_check=HEALTH)
@given(st.lists(st.text(WITHOUT_NUL, max_size=20), min_size=1, max_size=20))
def test_numbers_are_the_same_in_python_and_in_the_schema(shared: FedView, ids: list[str]) -> None:
    with shared.store.reader() as reader:
        rows = reader.execute(
            "select number_of(id) from (select unnest($ids) as id)", {"ids": ids}
        ).fetchall()
    assert [number for (number,) in rows] == [number_of(id_) for id_ in ids]


def test_a_record_without_identities_is_set_aside_as_in_the_warehouse(fed: FedView) -> None:
    torn = json.loads(encode(customer("c1")))
    del torn["identities"]
    fed.take(("customers", b"c1", json.dumps(torn).encode()))
    asked = "select reason from raw.rejected_rows"
    with fed.store.reader() as reader:
        assert reader.execute(asked).fetchall() == [("no usable identities",)]
    assert fed.warehouse.execute(asked).fetchall() == [("no usable identities",)]
