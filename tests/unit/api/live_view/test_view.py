"""Answers that are worked out once: until the next batch, for a moment, and never an error."""

import asyncio
from functools import partial

import pytest

from api.live_view import view as module
from api.live_view.protocol import Progress
from api.problems import ProblemError
from tests.unit.api.live_view.fed import FedView


def _constant(number: int, _reader: object) -> int:
    return number


def test_refusal_while_it_starts_is_not_remembered_once_it_is_live(fed: FedView) -> None:
    async def run() -> int:
        fed.view.progress = Progress()
        with pytest.raises(ProblemError):
            await fed.view.ask_once("key", partial(_constant, 1))
        fed.view.progress = Progress("live")
        return await fed.view.ask_once("key", partial(_constant, 2))

    assert asyncio.run(run()) == 2


def test_answer_is_not_kept_for_longer_than_a_moment_though_no_batch_comes(
    fed: FedView, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> list[int]:
        first = await fed.view.ask_once("key", partial(_constant, 1))
        same = await fed.view.ask_once("key", partial(_constant, 2))
        monkeypatch.setattr(module, "_ANSWER_SECONDS", -1.0)
        return [first, same, await fed.view.ask_once("key", partial(_constant, 3))]

    assert asyncio.run(run()) == [1, 1, 3]
