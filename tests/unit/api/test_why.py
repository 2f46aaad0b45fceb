"""`omnichannel why` on a published copy in a temporary folder. No broker is reached."""

from datetime import timedelta
from pathlib import Path
from typing import get_args

import duckdb
import pytest

from api.command_line.main import app
from api.command_line.why import RULES
from pipelines.duckdb_sink import DuckDbSink
from pipelines.raw_tables import tables_by_topic
from streams.contracts.messages import IdentifierRule
from streams.contracts.policies import Rule
from streams.contracts.wire import Wire
from streams.identity.evidence import FORCED_RULES
from tests.unit.pipelines.builders import (
    START,
    batch,
    chunk,
    customer,
    erasure,
    identity,
    link,
    record,
    suggestion,
)
from warehouse.connection import open_writer
from warehouse.location import PUBLISHED_FILE
from warehouse.publish import publish
from warehouse.runner import refresh
from warehouse.time_zones import TimeZones

PHONE, TELEGRAM, EMAIL = "phone:+5511999998888", "telegram:42", "email:ana@example.org"
ANA = customer(
    "ana",
    name="Ana [b]Souza[/b]\x1b[31m",
    identities=(
        identity(),
        identity(channel_id="sms-1", channel_type="sms"),
        identity("42", channel_id="tg-1", channel_type="telegram", identity_key=TELEGRAM),
    ),
    merged_ids=("old", "older"),
    links=(
        link(PHONE, TELEGRAM, message_id="m7"),
        link(
            TELEGRAM,
            "reference:crm-7",
            rule="agent_merge",
            said_at=START + timedelta(days=2),
            message_id="k1",
            channel_id=None,
            said_by="ines",
        ),
    ),
    blocked=True,
    possible_new_owner_since=START + timedelta(days=1),
)
BIA = customer("bia", name="Bia", identities=(identity("+552"),), status="contacted")
SPLIT = customer(
    "split",
    name="Caio",
    identities=(identity("+553"), identity("7", channel_id="tg-1", identity_key="telegram:7")),
)
PEOPLE: tuple[tuple[str, Wire | None], ...] = (
    ("ana", ANA),
    ("bia", BIA),
    ("split", SPLIT),
    ("older", customer("older", identities=(identity("+559"),), merged_into="old")),
    ("old", customer("old", identities=(identity("+559"),), merged_into="ana")),
    ("gone", None),
)


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a published copy with these people, where the command looks for it."""
    monkeypatch.setenv("WAREHOUSE_FOLDER", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.delenv("OMNICHANNEL_DEBUG", raising=False)
    suggestions = (
        suggestion("s1", customer_id="ana", other_customer_id="bia"),
        suggestion("s2", customer_id="ana", other_customer_id=None, status="refused"),
    )
    with open_writer(tmp_path / "w.duckdb") as connection:
        DuckDbSink(connection, tables_by_topic("")).write(
            batch(
                chunk("customers", [record(n, v, key=k) for n, (k, v) in enumerate(PEOPLE)]),
                chunk("link-suggestions", [record(n, v) for n, v in enumerate(suggestions)]),
                chunk(
                    "customer-events",
                    [record(0, erasure("gone"))],
                ),
            )
        )
        refresh(connection, now=START, time_zones=TimeZones())
        publish(connection, tmp_path / PUBLISHED_FILE)
    return tmp_path / PUBLISHED_FILE


def _said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        app.meta(["why", *arguments])
    assert ended.value.code in (0, None)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        app.meta(["why", *arguments])
    assert ended.value.code == 1
    found = capsys.readouterr()
    assert found.out == ""
    return found.err


WHOLE = f"""\
Ana [b]Souza[/b]\ufffd[31m
Customer ana of acme, since 2026-10-01 09:00 UTC.
Status active: has written to us.
Blocked.
Since 2026-10-02 09:00 UTC this may be somebody else: after a long silence, another name writes \
from the same number.

Reached as
Channel Type Id there First seen (UTC) Last seen (UTC)
sms-1 sms +5511999998888 2026-10-01 09:00 2026-10-01 09:00
tg-1 telegram 42 2026-10-01 09:00 2026-10-01 09:00
wa-1 whatsapp +5511999998888 2026-10-01 09:00 2026-10-01 09:00

Why this is one person
- {PHONE} and {TELEGRAM}: the person shared their own contact, and the platform says it is theirs \
(attested; 2026-10-01 09:00 UTC; message m7 on tg-1).
- {TELEGRAM} and reference:crm-7: ines merged the two customers \
(attested; 2026-10-03 09:00 UTC; command k1 of ines).
- {PHONE} is the same on sms-1, wa-1: nothing had to tie those together.

Went into this customer
- old
- older

Not decided yet
- May be Bia (bia), {PHONE} and {EMAIL} being one person's: the person gave it as their own, and \
nobody vouches for that; but evidence of this kind only suggests \
(2026-10-01 09:00 UTC; suggestion s1).
"""


def test_a_customer_is_told_whole_in_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert _said(capsys, "ana") == WHOLE.splitlines()


def test_a_question_is_told_from_either_side(capsys: pytest.CaptureFixture[str]) -> None:
    said = _said(capsys, "bia")
    assert "Status contacted: was written to, and has not answered yet." in said
    assert "- There is one identity only: nothing had to tie it to another." in said
    assert any(f"(ana), {EMAIL} and {PHONE} being one person's: " in line for line in said)
    assert "Went into this customer" not in said


@pytest.mark.parametrize("merged", ["old", "older"])
def test_a_merged_id_says_who_lives_on_and_tells_of_them(
    capsys: pytest.CaptureFixture[str], merged: str
) -> None:
    said = _said(capsys, merged, "--tenant", "acme")
    assert said[1] == f"{merged} was merged into ana, who lives on."
    assert "Why this is one person" in said


def test_what_no_evidence_names_is_said_and_not_passed_over(
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = [line for line in _said(capsys, "split") if line.startswith("- No evidence")]
    assert [line.split(":", 1)[1].split(" is ")[0] for line in said] == ["7: it", "+553: it"]


def test_an_erased_id_says_when_and_nothing_of_whom(capsys: pytest.CaptureFixture[str]) -> None:
    assert _said(capsys, "gone") == [
        "gone led to somebody who was erased on 2026-10-01. Nothing else is known of them."
    ]


def test_an_unknown_id_is_an_error_that_says_where_to_look(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _refused(capsys, "nobody").startswith("omnichannel: no customer nobody was loaded: ")
    assert "omnichannel load --until-caught-up" in _refused(capsys, "nobody")


@pytest.mark.parametrize("customer_id", ["ana", "old"])
def test_another_tenants_customer_is_an_error_that_says_whose_it_is(
    capsys: pytest.CaptureFixture[str], customer_id: str
) -> None:
    said = _refused(capsys, customer_id, "--tenant", "bistro")
    assert said.startswith(f"omnichannel: bistro has no customer {customer_id}: it is acme's")


def test_an_erased_id_of_another_tenant_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no customer gone was loaded" in _refused(capsys, "gone", "--tenant", "bistro")


def test_without_a_published_copy_it_says_to_load(
    capsys: pytest.CaptureFixture[str], published: Path
) -> None:
    published.unlink()
    assert "omnichannel load --until-caught-up" in _refused(capsys, "ana")


def test_a_copy_of_an_older_version_is_a_sentence(
    capsys: pytest.CaptureFixture[str], published: Path
) -> None:
    with duckdb.connect(str(published)) as connection:
        connection.execute("drop table customer_links")
    said = _refused(capsys, "ana")
    assert "without customer_links" in said
    assert "omnichannel load --until-caught-up" in said


def test_every_rule_has_its_words() -> None:
    known = {*get_args(Rule), *get_args(IdentifierRule), *FORCED_RULES}
    assert set(RULES) == known
    assert len(set(RULES.values())) == len(known)
