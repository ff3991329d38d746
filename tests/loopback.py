"""A real HTTP server on loopback that plays the services, well and badly."""

import gzip
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Loopback:
    """Answers by path; several answers of one path are given one after the other.

    The last of them is repeated. `asked` lists the paths and parameters that came.
    """

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def play(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        split = urlsplit(handler.path)
        params = {name: values[0] for name, values in parse_qs(split.query).items()}
        self.asked.append((split.path, params))
        self.headers.append(dict(handler.headers))
        waiting = self.answers.get(split.path, [status(404, b"no such place")])
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(handler)

    def times_asked(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.asked)


@contextmanager
def serve() -> Iterator[Loopback]:
    """Run a server for as long as the block lasts."""
    played = Loopback()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                played.answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client had enough

        def log_message(self, format: str, *args: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    played.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield played
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """Answer with a status, a body and its length; underscores in names are hyphens."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def ok(body: bytes, **headers: str) -> Answer:
    return status(200, body, **headers)


def compressed(body: bytes) -> Answer:
    return ok(gzip.compress(body), Content_Encoding="gzip")


def bomb(n_bytes: int) -> Answer:
    """Answer with few bytes that decompress to many."""
    return compressed(b"0" * n_bytes)


def redirect(url: str) -> Answer:
    return status(302, Location=url)


def cut(body: bytes, *, at: int, says_length: bool) -> Answer:
    """Answer with a body that ends early."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        if says_length:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:at])
        handler.close_connection = True

    return answer


def cut_in_a_chunk(body: bytes) -> Answer:
    """Answer in chunks, the last of which never comes."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        half = body[: len(body) // 2]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(half), half))
        handler.close_connection = True

    return answer


def drip(body: bytes, *, every_s: float) -> Answer:
    """Answer a byte at a time."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for byte in body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(every_s)

    return answer


def after(delay_s: float, then: Answer) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(delay_s)
        then(handler)

    return answer


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def tap(columns: dict[str, Sequence[object]]) -> Answer:
    """Answer a count with the count, a query with the columns that it asks for."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        (adql,) = parse_qs(urlsplit(handler.path).query)["query"]
        ok(tap_answer(adql, columns))(handler)

    return answer


def tap_answer(adql: str, columns: dict[str, Sequence[object]]) -> bytes:
    """Return what a TAP service sends: text quoted, nothing where there is nothing."""
    n_rows = len(next(iter(columns.values())))
    asked = re.match(r"select (.*?) from", adql)
    assert asked is not None
    if asked[1] == "count(*)":
        return f"count(*)\n{n_rows}\n".encode()
    names = [name.rpartition(".")[2] for name in asked[1].split(",")]
    lines = [",".join(names)]
    for row in range(n_rows):
        cells = (columns.get(name, [None] * n_rows)[row] for name in names)
        lines.append(",".join(_cell(cell) for cell in cells))
    return ("\n".join(lines) + "\n").encode()


def _cell(value: object) -> str:
    if value is None or value == "":
        return ""
    return f'"{value}"' if isinstance(value, str) else str(value)
