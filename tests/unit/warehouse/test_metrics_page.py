"""The page of definitions names what the marts have."""

from pathlib import Path
from typing import get_args

import pytest

from streams.contracts.policies import Rule
from streams.contracts.suggestions import Reason, SuggestionStatus
from warehouse.model_files import models

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
MARTS = {model.name: model for model in models() if model.schema == "marts"}


@pytest.mark.parametrize(
    "mart",
    [
        "activity",
        "activity_heat_map",
        "channel_performance",
        "channels",
        "customer_links",
        "customer_stats",
        "customers_by_channel_count",
        "growth",
        "growth_days",
        "identity_health",
        "lifecycle",
        "link_suggestions",
        "links_by_rule",
        "retention",
    ],
)
def test_every_figure_of_a_mart_is_defined(mart: str) -> None:
    keys = {*MARTS[mart].grain, "channel_type", "tenant_id", "customer_id"}
    figures = [name for name, _ in MARTS[mart].described if name not in keys]
    assert [name for name in figures if f"`{name}`" not in PAGE] == []


def test_the_page_names_checks_and_tables_that_exist() -> None:
    assert "identities_have_one_owner" in PAGE
    folder = Path(__file__).parents[3] / "warehouse" / "checks"
    assert "`erased_customers`" in PAGE
    assert "erased_customers" in MARTS
    for name in ("identities_have_one_owner", "every_record_was_readable"):
        assert (folder / f"assert_{name}.sql").exists()


def test_the_page_says_what_each_rule_status_and_reason_means() -> None:
    words = (*get_args(Rule), *get_args(SuggestionStatus), *get_args(Reason))
    assert [word for word in words if f"`{word}`" not in PAGE] == []
