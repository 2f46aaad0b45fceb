"""What a person wants to see first of a warehouse, on a terminal."""

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from warehouse import Warehouse

EXAMPLES_SHOWN = 5
LETTERS_SHOWN = 6


def show(warehouse: Warehouse, console: Console) -> None:
    """Print the three statistics, the channels, a few customers and the dead letters."""
    _statistics(warehouse, console)
    _channels(warehouse, console)
    _customers(warehouse, console)
    _dead_letters(warehouse, console)


def _statistics(warehouse: Warehouse, console: Console) -> None:
    _print(
        console,
        "Customers",
        warehouse.sql(
            "select tenant_id as tenant, total_customers as total, "
            'new_customers_this_month as "new this month", '
            'active_customers_this_week as "active this week", time_zone as "time zone" '
            "from customer_stats order by tenant_id"
        ),
    )


def _channels(warehouse: Warehouse, console: Console) -> None:
    _print(
        console,
        "Customers by channel",
        warehouse.sql(
            "select tenant_id as tenant, channel_id as channel, channel_type as type, customers, "
            'messages_in as "messages in", messages_out as "messages out" '
            "from channels order by tenant_id, customers desc"
        ),
    )


def _customers(warehouse: Warehouse, console: Console) -> None:
    _print(
        console,
        "Some customers who use several channels",
        warehouse.sql(
            """
            with several as (
                select
                    c.*,
                    string_agg(i.channel_id || ' ' || i.external_id, '\n' order by i.first_seen_at)
                        as identities
                from customers as c
                join customer_identities as i using (tenant_id, customer_id)
                group by all
                having count(distinct i.channel_type) > 1
            )
            select
                tenant_id as tenant,
                display_name as name,
                status,
                identities,
                strftime(last_seen_at, '%d %b %H:%M') as "last seen (UTC)"
            from several
            -- Names before bare numbers, and each tenant in turn.
            order by
                regexp_matches(display_name, '^[+0-9]'),
                row_number() over (partition by tenant_id order by created_at),
                tenant_id
            limit $most
            """,
            {"most": EXAMPLES_SHOWN},
        ),
    )


def _dead_letters(warehouse: Warehouse, console: Console) -> None:
    _print(
        console,
        "Dead letters",
        warehouse.sql(
            'select reason, count(*) as records, min(detail) as "for example" '
            "from dead_letters group by reason order by records desc limit $most",
            {"most": LETTERS_SHOWN},
        ),
    )


def _print(console: Console, title: str, frame: pd.DataFrame) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for name, kind in frame.dtypes.items():
        numeric = pd.api.types.is_numeric_dtype(kind)
        table.add_column(str(name), justify="right" if numeric else "left", overflow="fold")
    for row in frame.itertuples(index=False):
        table.add_row(*(f"{v:,}" if isinstance(v, int) else str(v) for v in row))
    console.print(table)
