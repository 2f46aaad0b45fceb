"""The worker's output topics, as the place where the data comes from.

Owns their keys in Dagster; what they hold and for how long is streams.topics'.
"""

from typing import Final

import dagster as dg

from dagster_project.assets.layers import OWNERS
from streams.topics import OUTPUTS, TopicSpec


def topic_key(topic: TopicSpec) -> dg.AssetKey:
    """Return the topic's key; Dagster's names have no hyphens."""
    return dg.AssetKey(["streams", topic.name.replace("-", "_")])


OUTPUT_TOPICS: Final = tuple(
    dg.AssetSpec(
        key=topic_key(topic),
        description=topic.holds,
        group_name="streams",
        owners=OWNERS,
        kinds={"kafka"},
        metadata={"topic": topic.name, "key": topic.key, "cleanup_policy": topic.cleanup_policy},
    )
    for topic in OUTPUTS
)
