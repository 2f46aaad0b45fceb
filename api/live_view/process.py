"""The process that keeps the view, from the side of who asks it: started, asked, and ended."""

import asyncio
import itertools
import logging
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar

from api.live_view.protocol import (
    Answered,
    Asked,
    Begin,
    Event,
    Failed,
    Receiving,
    framed,
    heard,
)
from api.live_view.reader import Reader
from api.live_view.store import LONG_READERS, READERS
from api.problems import ProblemError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

# One is on its way while another one is worked on. Who comes then waits here, and may go.
_AT_ONCE: Final = 2 * READERS
_END_SECONDS: Final = 60.0
_MOST_UNHEARD: Final = 64  # then it is the process that waits


@dataclass(slots=True)
class ViewProcess:
    """One life of the process. What it says that is no answer, whoever shall `hear` hears."""

    begin: Begin
    hear: Callable[[Event], None]
    _writer: asyncio.StreamWriter | None = None
    _is_ending: bool = False
    _asked: dict[int, "asyncio.Future[Any]"] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    _readers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _long_readers: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(LONG_READERS)
    )

    async def run(self) -> bool:
        """Start it, and return once it has ended: whether that was in order, because it was told to
        or another one shall go on.
        """
        questions, their_questions = socket.socketpair()
        answers, their_answers = socket.socketpair()
        with their_questions, their_answers:
            fds = [their_questions.fileno(), their_answers.fileno()]
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "api.live_view.keeper",
                *map(str, fds),
                pass_fds=fds,
                stdin=asyncio.subprocess.DEVNULL,
            )
        _, self._writer = await asyncio.open_connection(sock=questions)
        try:
            self._writer.write(framed(self.begin))
            if self._is_ending:
                self._writer.write_eof()
            # In a thread: the loop takes up a large batch a piece a turn, and has many other turns.
            await asyncio.to_thread(self._listen, answers, asyncio.get_running_loop())
        finally:
            self._writer.close()
            with suppress(OSError):  # of a socket whose other end is gone, some systems complain
                answers.shutdown(socket.SHUT_RDWR)
            answers.close()
            for future in self._asked.values():
                if not future.done():
                    future.set_exception(_gone())
            code = await _ended(process)
        return code == 0

    def _listen(self, channel: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        """Have the loop take up what is said, until nobody says anything any more."""
        stream, room = Receiving(channel), threading.Semaphore(_MOST_UNHEARD)
        while (said := heard(stream)) is not None:
            room.acquire()
            loop.call_soon_threadsafe(self._take, said, room)

    def _take(self, said: Any, room: threading.Semaphore) -> None:
        room.release()
        match said:
            case Answered(number, answer):
                if (future := self._waiting(number)) is not None:
                    future.set_result(answer)
            case Failed(number, error):
                if (future := self._waiting(number)) is not None:
                    future.set_exception(error)
            case _:
                self.hear(said)

    async def ask(self, question: Callable[[Reader], Answer], *, is_long: bool) -> Answer:
        """Return the answer. Raises what the question raised, and ProblemError (503) where the
        process ends before.
        """
        async with self._long_readers if is_long else self._readers:
            if self._writer is None or self._writer.is_closing():
                raise _gone()
            number = next(self._numbers)
            future = self._asked[number] = asyncio.get_running_loop().create_future()
            try:
                self._writer.write(framed(Asked(number, question, is_long)))
                answer: Answer = await future
            finally:
                self._asked.pop(number, None)
            return answer

    def end(self) -> None:
        """Have it write the batch in hand, close the files, and end: `run` returns then."""
        if not self._is_ending and self._writer is not None:
            self._writer.write_eof()
        self._is_ending = True

    def _waiting(self, number: int) -> "asyncio.Future[Any] | None":
        """Return what waits for the answer of this number; None where whoever asked has gone."""
        future = self._asked.get(number)
        return None if future is None or future.done() else future


async def _ended(process: asyncio.subprocess.Process) -> int:
    """Return once the process has ended, by itself or not, with its code."""
    try:
        return await asyncio.wait_for(process.wait(), _END_SECONDS)
    except TimeoutError:
        logger.warning("The view's process did not end by itself; it is killed")
        process.kill()
        return await process.wait()


def _gone() -> ProblemError:
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE, "the view starts anew; ask again in a moment"
    )
