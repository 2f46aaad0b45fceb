"""`omnichannel topics`: has the topics, and says what each is for."""

from datetime import timedelta

from rich.console import Console
from rich.table import Column, Table

from streams.cluster import ClusterSettings
from streams.topic_admin import ensure_topics
from streams.topics import MADE, TopicSpec, full_name


def topics() -> None:
    """Create what is missing, then list every topic."""
    cluster = ClusterSettings()
    created = ensure_topics(cluster)
    table = Table(Column("Topic", no_wrap=True), "Key", "Kept", "Holds")
    for topic in MADE:
        name = full_name(topic, cluster.topic_prefix)
        table.add_row(
            name + (" (new)" if name in created else ""), topic.key, kept(topic), topic.holds
        )
    Console().print(table)
    print(f"{len(created)} created, {len(MADE) - len(created)} were there.")


def kept(topic: TopicSpec) -> str:
    """Return for how long the topic keeps a record, in words."""
    if topic.retention_ms is None:
        return "newest per key"
    return f"{timedelta(milliseconds=topic.retention_ms).days} days"
