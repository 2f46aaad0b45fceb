"""The Faust app as it is put together; nothing is connected."""

from pathlib import Path

from streams import topics
from streams.app import create_app
from streams.cluster import ClusterSettings
from streams.engine.table import BulkTable
from streams.settings import WorkerSettings


def test_the_changelog_that_is_made_beforehand_is_the_one_that_faust_uses(tmp_path: Path) -> None:
    cluster = ClusterSettings(topic_prefix="one-")
    app = create_app(WorkerSettings(state_folder=tmp_path), cluster)
    used = BulkTable(app.tables[topics.NODES_TABLE]).changelog_topic
    assert used == topics.full_name(topics.CHANGELOG, cluster.topic_prefix)
