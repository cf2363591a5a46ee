"""Web sites for tests: a server on this machine whose pages are good, bad or ugly."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """What a server answers, by path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.closing = threading.Event()
        self.url = ""

    def put(
        self,
        path: str,
        body: str | bytes = b"",
        *,
        status: int = 200,
        kind: str = "text/html; charset=utf-8",
        **headers: str,
    ) -> None:
        """Answer `path` with a body."""
        data = body.encode() if isinstance(body, str) else body
        fields = {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in fields.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(data)))
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(data)

        self.answers[path] = answer

    def put_slow(self, path: str, first: bytes, *, every: float = 0.05) -> None:
        """Answer `path` with some bytes, then one byte at a time until the test is over."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(first)
            while not self.closing.wait(every):
                handler.wfile.write(b"x")
                handler.wfile.flush()

        self.answers[path] = answer

    def put_silence(self, path: str) -> None:
        """Take a request for `path`, and never answer."""
        self.answers[path] = lambda handler: (self.closing.wait(60), None)[1]


@contextmanager
def serving() -> Iterator[Site]:
    """A site on a free port of this machine; what it lacks is a 404."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            site.asked.append(self.path)
            site.headers.append(dict(self.headers.items()))
            self.close_connection = True
            with suppress(OSError):  # whoever asked has gone
                site.answers.get(self.path, lambda handler: handler.send_error(404))(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        site.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
