"""What is told of a policy before it is set is what happens once it is: broker, worker, load and
commands are real.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.command_line.main import app
from pipelines.load import load_and_refresh
from pipelines.settings import AnalyticsSettings
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.customers import Customer
from streams.contracts.messages import Identifier, Message
from streams.contracts.wire import encode
from streams.topic_admin import ensure_topics
from tests.e2e.harness import WorkerProcess, read, running, send, wait_until_processed
from tests.hard_cases.platforms import START, TENANT, email, web_chat

pytestmark = pytest.mark.kafka

PEOPLE = 6


def typed(number: int) -> Identifier:
    """Return the address that the visitor gave of themselves: every other one is somebody's."""
    address = f"p{number}@example.org" if number % 2 else f"nobody{number}@example.org"
    return Identifier(kind="email", value=address, rule="self_declared")


def first_words() -> Iterable[Message]:
    for number in range(PEOPLE):
        at = START + timedelta(minutes=number)
        yield email(f"p{number}@example.org", at=at)
        later = at + timedelta(hours=1)
        yield web_chat(f"visitor-{number}", at=later, identifiers=(typed(number),))


def more_words() -> Iterable[Message]:
    for number in range(PEOPLE):
        yield web_chat(f"visitor-{number}", at=START + timedelta(hours=2, minutes=number))


def say(cluster: ClusterSettings, messages: Iterable[Message]) -> None:
    numbers = count()
    sent = [(str(next(numbers)).encode(), encode(message)) for message in messages]
    send(cluster, topics.MESSAGES_INBOUND, sent)
    wait_until_processed(cluster)


def merged(cluster: ClusterSettings) -> dict[str, str | None]:
    """Return who went into whom, as the newest records have it."""
    newest: dict[str, Customer] = {}
    for _, value in read(cluster, topics.CUSTOMERS):
        if value is not None:
            customer = msgspec.json.decode(value, type=Customer)
            newest[customer.id] = customer
    return {c.id: c.merged_into for c in newest.values() if c.status == "merged"}


def test_a_rule_does_what_was_told_of_it(
    cluster: ClusterSettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.topic_prefix)
    monkeypatch.setenv("WAREHOUSE_FOLDER", str(tmp_path / "warehouse"))
    monkeypatch.delenv("OMNICHANNEL_POLICY_FILE", raising=False)
    policy = tmp_path / "policy.toml"
    policy.write_text('rules = { self_declared = "link" }\n')

    def told() -> dict[str, Any]:
        load_and_refresh(cluster, AnalyticsSettings(), now=lambda: datetime.now(UTC))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app.meta(["what-if", str(policy), "--tenant", TENANT, "--json"])
        assert not ended.value.code
        (tenant,) = json.loads(capsys.readouterr().out)["tenants"]
        found: dict[str, Any] = tenant
        return found

    ensure_topics(cluster)
    with running(WorkerProcess(cluster, tmp_path, "one")):
        say(cluster, first_words())
        before = told()
        with pytest.raises(SystemExit) as ended:
            app.meta(["policy", "set", str(policy), "--tenant", TENANT, "--by", "alice"])
        assert not ended.value.code
        due = told()
        say(cluster, more_words())
        after = told()

    assert before["customers"] == 2 * PEOPLE
    predicted = {one["otherCustomerId"]: one["customerId"] for one in before["changes"]}
    assert len(predicted) == PEOPLE // 2
    assert merged(cluster) == predicted
    assert after["customers"] == before["customersThen"] == 2 * PEOPLE - len(predicted)
    assert (due["changes"], due["alreadyDue"]) == ([], len(predicted))
    assert (after["changes"], after["alreadyDue"]) == ([], 0)
