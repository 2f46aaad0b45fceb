"""The process that keeps the view: feeds it, and answers over a socket what is asked over another.

A process of its own, because Python does one thing at a time: beside a busy server, what DuckDB
does in a dozen small steps would wait for its turn at every one of them (docs/adr).
"""

import gc
import logging
import signal
import socket
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from api.live_view.feed import Feed
from api.live_view.protocol import (
    Answered,
    Asked,
    Begin,
    Failed,
    Receiving,
    framed,
    heard,
)
from api.live_view.store import LONG_READERS, READERS, StoreClosedError
from api.problems import ProblemError
from streams.logs import configure_logging

logger = logging.getLogger(__name__)

# DuckDB steps into Python a dozen times a query. To wait Python's 5 ms at each step, beside another
# query or a batch, would be most of what either takes.
_SWITCH_SECONDS: Final = 0.0002


class Keeper:
    """Answers questions for as long as somebody is at the other end, or the feed goes on."""

    def __init__(self, questions: socket.socket, answers: socket.socket, begin: Begin) -> None:
        self._questions = questions
        self._answers = answers
        self._sending = threading.Lock()
        self._feed = Feed(begin.cluster, begin.folder, self._say, begin.most_loaded)
        self._readers = ThreadPoolExecutor(READERS, "reader")
        self._long_readers = ThreadPoolExecutor(LONG_READERS, "long-reader")

    def run(self) -> None:
        """Feed and answer until the other side is gone, or the feed ends; then close the files."""
        feeding = threading.Thread(target=self._feed_to_the_end, name="live-view")
        feeding.start()
        try:
            while (asked := heard(Receiving(self._questions))) is not None:
                pool = self._long_readers if asked.is_long else self._readers
                pool.submit(self._answer, asked)
        finally:
            self._feed.stop()
            for pool in (self._readers, self._long_readers):
                pool.shutdown(cancel_futures=True)
            feeding.join()

    def _feed_to_the_end(self) -> None:
        try:
            self._feed.run()
        finally:
            with suppress(OSError):  # nobody is there to ask anything
                self._questions.shutdown(socket.SHUT_RD)

    def _answer(self, asked: Asked) -> None:
        try:
            self._send(framed(Answered(asked.number, self._answer_to(asked))))
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked
            self._send(framed(Failed(asked.number, _sendable(error))))

    def _answer_to(self, asked: Asked) -> object:
        if (store := self._feed.store) is None:
            raise _closed()
        try:
            with store.reader() as reader:
                return asked.question(reader)
        except StoreClosedError:
            raise _closed() from None

    def _say(self, said: object) -> None:
        self._send(framed(said))

    def _send(self, frame: bytes) -> None:
        try:
            with self._sending:
                self._answers.sendall(frame)
        except OSError:
            logger.debug("nobody is there to hear it")


def _closed() -> ProblemError:
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE, "the view is being made anew; ask again in a moment"
    )


def _sendable(error: Exception) -> Exception:
    """Return the error as it can be raised elsewhere, with where it came from."""
    if isinstance(error, ProblemError):
        return error
    return RuntimeError("".join(traceback.format_exception(error)))


def main() -> None:
    """Keep the view that the other side of the inherited sockets asks for: questions come over the
    first, answers go over the second.
    """
    # Ctrl-C is for whoever serves: it says goodbye to us when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.freeze()  # what lives as long as the process need not be looked through again and again
    with (
        socket.socket(fileno=int(sys.argv[1])) as questions,
        socket.socket(fileno=int(sys.argv[2])) as answers,
    ):
        begin = heard(Receiving(questions))
        if begin is None:
            return
        if begin.logs is not None:
            configure_logging(debug=begin.logs.debug, file=begin.logs.file)
        Keeper(questions, answers, begin).run()


if __name__ == "__main__":
    main()
