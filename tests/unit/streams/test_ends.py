"""Where partitions end, asked of a client that stumbles."""

from collections.abc import Sequence

import pytest
import stamina
from kafka import TopicPartition

from streams.ends import first_offsets

PARTITION = TopicPartition("topic", 0)


class _Stumbling:
    """A client that has lost sight of a leader, for so many questions."""

    def __init__(self, times: int) -> None:
        self._left = times

    def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        if self._left:
            self._left -= 1
            raise KeyError(partitions[0])
        return dict.fromkeys(partitions, 7)


def test_a_client_that_has_lost_sight_of_a_leader_is_asked_again() -> None:
    with stamina.set_testing(testing=True, attempts=3):
        assert first_offsets(_Stumbling(2), [PARTITION]) == {PARTITION: 7}


def test_a_client_that_never_finds_the_leader_is_told_of() -> None:
    with stamina.set_testing(testing=True, attempts=3), pytest.raises(KeyError):
        first_offsets(_Stumbling(9), [PARTITION])
