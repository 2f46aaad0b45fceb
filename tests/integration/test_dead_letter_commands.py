"""`omnichannel dead-letters` on a real Kafka: what it lists, shows and puts back."""

from datetime import UTC, datetime
from typing import Any

import pytest
from kafka import KafkaProducer

from api.command_line.errors import CommandError
from api.command_line.main import app
from streams import topics
from streams.cluster import ClusterSettings
from streams.contracts.dead_letters import DeadLetter, Reason
from streams.contracts.wire import encode
from streams.topic_admin import ensure_topics


@pytest.fixture(autouse=True)
def ready(cluster: ClusterSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have our topics, and the commands find the cluster in the environment."""
    ensure_topics(cluster)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap_servers)
    monkeypatch.setenv("KAFKA_TOPIC_PREFIX", cluster.topic_prefix)
    monkeypatch.setenv("COLUMNS", "200")


def run(command: str) -> None:
    app(command, result_action="return_value")


def produce(cluster: ClusterSettings, *letters: DeadLetter) -> None:
    producer: Any = KafkaProducer(**cluster.client_options())
    name = topics.full_name(topics.DEAD_LETTERS, cluster.topic_prefix)
    for letter in letters:
        producer.send(name, key=b"k", value=encode(letter))
    producer.flush()
    producer.close()


def letter(cluster: ClusterSettings, name: str, reason: Reason, **fields: Any) -> DeadLetter:
    topic = topics.full_name(topics.NATIVE["zapi"], cluster.topic_prefix)
    known: dict[str, Any] = {
        "id": name,
        "topic": topic,
        "partition": 0,
        "offset": int(name[1:]),
        "reason": reason,
        "detail": f"what is wrong with {name}",
        "received_at": datetime.now(UTC),
        "key": None,
        "raw": b'{"phone": "[bold]"}',
        "platform": "zapi",
        "tenant_id": "acme",
        "headers": {"tenantId": "acme", "channelId": "zap-1"},
    }
    return DeadLetter(**known | fields)


def test_letters_are_listed_shown_and_put_back_by_what_they_are(
    cluster: ClusterSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    produce(
        cluster,
        letter(cluster, "l1", "unreadable"),
        letter(cluster, "l2", "not_a_person"),
        letter(cluster, "l3", "invalid", platform="waha", tenant_id="other"),
    )
    run("dead-letters list")
    listed = capsys.readouterr().out
    assert "1 unreadable from zapi" in listed
    assert "what is wrong with l3" in listed
    run("dead-letters list --platform waha")
    assert "l1" not in capsys.readouterr().out
    run("dead-letters show l1")
    assert '{"phone": "[bold]"}' in capsys.readouterr().out

    run("dead-letters replay --tenant acme")
    assert "Put back 1 records for 1 letters." in capsys.readouterr().out
    run("dead-letters replay --reason not_a_person")
    assert "Put back 1 records for 1 letters." in capsys.readouterr().out
    run("dead-letters list")
    left = capsys.readouterr().out
    assert ("l3" in left, "l1" in left, "l2" in left) == (True, False, False)
    run("dead-letters replay l3")
    run("dead-letters list")
    assert "No dead letters wait." in capsys.readouterr().out


@pytest.mark.parametrize("command", ["show l9", "replay l9"])
def test_a_letter_that_does_not_wait_is_said_with_where_to_look(command: str) -> None:
    with pytest.raises(CommandError, match="dead-letters list"):
        run(f"dead-letters {command}")
