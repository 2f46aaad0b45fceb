"""A small HTTP server that answers like a platform: well, slowly, wrongly, or not at all."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 20


@dataclass
class Answer:
    """What to answer; `length` is announced whatever the body is, `slow_seconds` come first, and
    `byte_seconds` before each byte of the body.
    """

    body: bytes | dict[str, Any] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    slow_seconds: float = 0.0
    byte_seconds: float = 0.0


Route = Callable[[str], Answer]


class Platform:
    """A running server: `calls` has each call's method, path and headers, `bodies` its body."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.url = ""


@contextmanager
def platform(route: Route) -> Iterator[Platform]:
    """Run a platform on a free port for the length of the block."""
    known = Platform(route)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            known.bodies.append(self.rfile.read(int(headers.get("content-length", 0))))
            known.calls.append((self.command, self.path, headers))
            answer = known.route(self.path)
            if answer.slow_seconds:
                time.sleep(answer.slow_seconds)
            is_json = isinstance(answer.body, dict)
            body = (
                json.dumps(answer.body).encode() if isinstance(answer.body, dict) else answer.body
            )
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json" if is_json else "image/png")
            length = len(body) if answer.length is None else answer.length
            self.send_header("Content-Length", str(length))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not answer.byte_seconds:
                self.wfile.write(body)
                return
            with suppress(ConnectionError):  # whoever asked may have gone
                for byte in body:
                    time.sleep(answer.byte_seconds)
                    self.wfile.write(bytes([byte]))

        do_POST = do_GET  # noqa: N815 - the server's name for it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
