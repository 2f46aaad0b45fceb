"""The process that keeps the view: it is really started, and has no Kafka to feed from."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from api.live_view.derived import Change
from api.live_view.process import ViewProcess
from api.live_view.protocol import Asked, Begin, Event, Fed, Opened, Progress, framed
from api.live_view.reader import Reader
from api.live_view.view import LiveView
from api.problems import ProblemError
from streams.cluster import ClusterSettings
from tests.processes import pids_below
from tests.unit.api.live_view.fed import sent
from warehouse.time_zones import TimeZones

DEADLINE_SECONDS = 30.0
NOWHERE = ClusterSettings(bootstrap_servers="127.0.0.1:1")


def seven(_reader: Reader) -> int:
    """Ask for what is always so."""
    return 7


def impossible(_reader: Reader) -> None:
    """Ask for what cannot be."""
    raise LookupError("no such thing")


def endless(_reader: Reader) -> None:
    """Ask for what nobody waits for."""
    time.sleep(DEADLINE_SECONDS)


def test_error_arrives_with_all_it_says() -> None:
    said = ProblemError(
        HTTPStatus.BAD_REQUEST, "what to do", headers={"Retry-After": "2"}, errors=[{"at": "limit"}]
    )
    found = sent(said)
    assert type(found) is ProblemError
    assert vars(found) == vars(said)


def test_process_ends_when_it_is_not_heard_to_the_end(tmp_path: Path) -> None:
    """As when whoever asked is killed: what it had not read yet makes the sockets an error."""
    (questions, their_questions), (answers, their_answers) = (
        socket.socketpair(),
        socket.socketpair(),
    )
    with their_questions, their_answers:
        fds = [their_questions.fileno(), their_answers.fileno()]
        process = subprocess.Popen(
            [sys.executable, "-m", "api.live_view.keeper", *map(str, fds)],
            pass_fds=fds,
            stderr=subprocess.PIPE,
        )
    questions.sendall(framed(Begin(NOWHERE, tmp_path, None, 0)))
    questions.sendall(framed(Asked(1, seven, is_long=False)))
    answers.settimeout(DEADLINE_SECONDS)
    assert answers.recv(1)
    answers.close()
    questions.close()
    _, said = process.communicate(timeout=DEADLINE_SECONDS)
    assert process.returncode == 0
    assert b"Traceback" not in said


def test_questions_are_answered_until_the_process_ends_and_then_refused(tmp_path: Path) -> None:
    events: list[Event] = []

    async def run() -> None:
        process = ViewProcess(Begin(NOWHERE, tmp_path, None, 0), events.append)
        with pytest.raises(ProblemError):
            await process.ask(seven, is_long=False)
        before = pids_below(os.getpid())
        running = asyncio.create_task(process.run())
        await until(lambda: any(isinstance(event, Opened) for event in events))
        assert await process.ask(seven, is_long=False) == 7
        with pytest.raises(RuntimeError, match="no such thing"):
            await process.ask(impossible, is_long=False)
        waiting = asyncio.create_task(process.ask(endless, is_long=True))
        await asyncio.sleep(0)
        for pid in pids_below(os.getpid()) - before:
            os.kill(pid, signal.SIGKILL)
        await asyncio.wait_for(running, DEADLINE_SECONDS)
        with pytest.raises(ProblemError, match="starts anew"):
            await waiting
        with pytest.raises(ProblemError, match="starts anew"):
            await process.ask(seven, is_long=False)

    asyncio.run(run())


def test_process_that_dies_is_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.live_view.view._PAUSE_SECONDS", 0.0)

    async def run() -> None:
        view = LiveView(NOWHERE, tmp_path, TimeZones())
        await view.start()
        await until(lambda: bool(children()))
        (first,) = children()
        os.kill(first, signal.SIGKILL)
        await until(lambda: bool(children() - {first}))
        assert not view.is_ready
        await asyncio.wait_for(view.stop(), DEADLINE_SECONDS)
        assert not children()

    before = pids_below(os.getpid())

    def children() -> set[int]:
        return pids_below(os.getpid()) - before

    asyncio.run(run())


def test_view_that_is_stopped_at_once_stops(tmp_path: Path) -> None:
    async def run() -> None:
        view = LiveView(NOWHERE, tmp_path, TimeZones())
        await view.start()
        await asyncio.sleep(0)
        await asyncio.wait_for(view.stop(), DEADLINE_SECONDS)

    asyncio.run(run())


def test_what_is_told_while_it_catches_up_again_is_told_to_those_who_listen(tmp_path: Path) -> None:
    """After Kafka was away the view catches up once more, and its listeners are still there."""
    view = LiveView(NOWHERE, tmp_path, TimeZones())
    view.hear(Progress("away"))
    with view.changes.listener("acme") as listener:
        view.hear(Fed({}, sent([Change("acme", "customer", "{}")])))
        told = asyncio.run(listener.next(0))
    assert [change.document for batch in told for change in batch.changes] == ["{}"]


async def until(is_so: Callable[[], bool]) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
