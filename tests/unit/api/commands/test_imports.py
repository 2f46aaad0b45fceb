"""Importing people over REST. Real: the application and the worker's core, see test_commands.py."""

from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.commands.csv_rows import MOST_ROWS, NoTableError, Row, ValidRow, rows_in
from tests.unit.api.commands.office import JOAO, MARIA, Office

CSV = {"Content-Type": "text/csv"}
TWO = f"""\
name,phone,email,tags,plan
Maria Silva,+{MARIA},maria@example.com,vip|2026,gold
João,(21) 98888-7777,,,
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Give the API and who calls it."""
    return Office(tmp_path)


def bring(office: Office, text: str | bytes, query: str = "") -> httpx2.Response:
    """Import a file."""
    content = text.encode() if isinstance(text, str) else text
    return office.agent.post(f"/api/imports{query}", content=content, headers=CSV)


def test_a_dry_run_says_what_would_be_and_does_nothing(office: Office) -> None:
    maria = office.customer(MARIA)
    answer = bring(office, TWO, "?dryRun=true")
    assert answer.status_code == HTTPStatus.OK, answer.text
    report = answer.json()
    assert (report["dryRun"], report["new"], report["known"], report["invalid"]) == (True, 1, 1, 0)
    assert [(row["line"], row["outcome"], row["customerId"]) for row in report["rows"]] == [
        (2, "known", maria.id),
        (3, "new", None),
    ]
    assert office.world.commands == []


def test_an_import_keeps_up_who_is_known_and_makes_who_is_not(office: Office) -> None:
    office.customer(MARIA, name="mari")
    answer = bring(office, TWO)
    assert answer.status_code == HTTPStatus.ACCEPTED, answer.text
    assert {row["commandId"] for row in answer.json()["rows"]} == {
        command["id"] for command in office.world.commands
    }
    by_phone = {customer.phones: customer for customer in office.world.all_customers()}
    maria, joao = by_phone[f"+{MARIA}",], by_phone[f"+{JOAO}",]
    assert (maria.display_name, maria.tags) == ("Maria Silva", ("2026", "vip"))
    assert (maria.custom_attributes, maria.emails) == ({"plan": "gold"}, ("maria@example.com",))
    assert (joao.display_name, joao.metadata.source) == ("João", "import")
    status = office.viewer.get(f"/api/commands/{answer.json()['rows'][1]['commandId']}").json()
    assert (status["status"], status["customerId"]) == ("applied", joao.id)


def test_the_same_file_again_is_the_same_commands_and_changes_nothing(office: Office) -> None:
    first = bring(office, TWO).json()
    before = office.world.all_customers()
    again = bring(office, TWO).json()
    assert [row["commandId"] for row in first["rows"]] == [
        row["commandId"] for row in again["rows"]
    ]
    assert again["known"] == 2
    after = office.world.all_customers()
    assert {(c.id, c.display_name, c.tags) for c in before} == {
        (c.id, c.display_name, c.tags) for c in after
    }


BROKEN = f"""\
name;phone;email
Maria;+{MARIA};
Nobody;;
Wrong;123;x@
Again;(11) 99999-8888;
Four;+{JOAO};;more
"""


def test_one_wrong_row_stops_all_unless_it_may_be_skipped(office: Office) -> None:
    answer = bring(office, BROKEN)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    places = [(error["at"], error["detail"]) for error in answer.json()["errors"]]
    assert [place for place, _ in places] == [
        "line 3, phone",
        "line 4, phone",
        "line 4, email",
        "line 5, phone",
        "line 6, ",
    ]
    assert "line 2 again" in places[3][1]
    assert "nothing was imported" in answer.json()["detail"]
    assert office.world.commands == []
    skipped = bring(office, BROKEN, "?skipInvalid=true").json()
    assert (skipped["new"], skipped["invalid"]) == (1, 4)
    assert len(office.world.commands) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the first line names the columns"),
        ("name,plan\nMaria,gold\n", "needs phone or email"),
        ("phone,phone\n1,2\n", "there twice"),
        (f"phone,{'x' * 65}\n1,2\n", "cannot be an attribute"),
        (b"phone\n\xff\xfe\n", "UTF-8"),
        ('phone\n"unclosed\n', "no CSV"),
        ("phone\n" + "\n".join(f"+5511{n:09d}" for n in range(MOST_ROWS + 1)), "at most 10,000"),
    ],
)
def test_what_is_no_table_of_people_says_what_to_change(
    office: Office, text: str | bytes, said: str
) -> None:
    answer = bring(office, text)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert said in answer.json()["detail"]


def test_a_file_of_another_kind_or_of_a_reader_is_refused(office: Office) -> None:
    assert office.agent.post("/api/imports", json={}).status_code == 415
    answer = office.viewer.post("/api/imports", content=TWO.encode(), headers=CSV)
    assert answer.status_code == HTTPStatus.FORBIDDEN


def test_another_tenants_people_are_new_to_us(office: Office) -> None:
    office.customer(MARIA, tenant_id="umbrella")
    assert bring(office, TWO, "?dryRun=true").json()["known"] == 0


def test_while_kafka_is_away_nothing_is_said_to_be_imported(office: Office) -> None:
    office.world.is_away = True
    assert bring(office, TWO).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    office.world.is_away = False
    assert bring(office, TWO).status_code == HTTPStatus.ACCEPTED
    assert len(office.world.all_customers()) == 2


def test_a_large_file_is_taken_and_a_larger_one_is_not(office: Office) -> None:
    many = "phone,name\n" + "".join(f"+55119{n:08d},{'x' * 190}\n" for n in range(8_000))
    assert len(many) > 1024 * 1024
    assert bring(office, many, "?dryRun=true").json()["new"] == 8_000
    assert bring(office, b"x" * (10 * 1024 * 1024 + 1)).status_code == 413


@given(st.one_of(st.binary(max_size=300), st.text("pn,\n\"';\t|+5é", max_size=120).map(str.encode)))
def test_any_bytes_are_rows_or_no_table(content: bytes) -> None:
    for head in (b"", b"phone,name\n"):
        rows: list[Row] = []
        with suppress(NoTableError):
            rows = rows_in(head + content, "BR")
        assert all(isinstance(row, ValidRow) or row.faults for row in rows)
