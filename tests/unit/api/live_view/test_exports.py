"""Customers as files, read back by others: the csv module, and DuckDB through a new connection."""

import csv
import json
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq

from api.exports import Format, written
from api.live_view.filters import CustomerFilter
from tests.unit.api.live_view.fed import FedView
from tests.unit.pipelines.builders import START, customer, identity


def file_of(fed: FedView, form: Format, **wanted: str) -> Path:
    with fed.store.reader() as reader:
        return written(
            reader,
            wanted=CustomerFilter(tenant_id="acme", **wanted),  # type: ignore[arg-type]
            form=form,
            now=START + timedelta(days=1),
            time_zone="UTC",
        )


def given_people(fed: FedView) -> None:
    fed.records(
        customer("c1", name='Ana "Nuna", Souza\nJr.', identities=(identity("+5511999990001"),)),
        customer("c2", name="=HYPERLINK(evil)", identities=(identity("+5511999990002"),)),
        customer("c3", name="Bea", merged_into="c1", identities=()),
        customer("c9", name="Stranger", tenant_id="umbrella"),
    )


def test_csv_holds_the_tenants_customers_to_the_letter_and_no_formula(fed: FedView) -> None:
    given_people(fed)
    path = file_of(fed, "csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = {row["customerId"]: row for row in csv.DictReader(file)}
    path.unlink()

    assert rows.keys() == {"c1", "c2"}
    assert rows["c1"]["displayName"] == 'Ana "Nuna", Souza\nJr.'
    assert rows["c1"]["phones"] == "+5511999990001"  # a number is no formula
    assert rows["c2"]["displayName"] == "'=HYPERLINK(evil)"


def test_parquet_holds_the_same_as_it_is_and_follows_the_filters(fed: FedView) -> None:
    given_people(fed)
    path = file_of(fed, "parquet", search="hyperlink")
    (row,) = pq.read_table(path).to_pylist()
    path.unlink()

    assert (row["customerId"], row["displayName"]) == ("c2", "=HYPERLINK(evil)")
    assert row["lastSeenAt"] == START


def test_a_file_has_what_the_record_alone_says(fed: FedView) -> None:
    fed.records(
        customer("c1", custom_attributes={"plan": "ouro", "note": 'say "oi"'}),
        customer("c2", name="Bea", identities=(identity("ana", channel_id="tg-1"),)),
    )
    path = file_of(fed, "parquet")
    rows = {row["customerId"]: row for row in pq.read_table(path).to_pylist()}
    path.unlink()

    assert json.loads(rows["c1"]["customAttributes"]) == {"plan": "ouro", "note": 'say "oi"'}
    assert json.loads(rows["c2"]["customAttributes"]) == {}
    assert (rows["c2"]["firstChannel"], rows["c2"]["originalExternalId"]) == ("tg-1", "ana")
