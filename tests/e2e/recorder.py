"""A proxy in front of a station that records requests.

It serves its own pages and songs, and passes every other request on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

KEPT: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "ETag": '"an id"',
    "Last-Modified": "Tue, 01 Dec 2020 00:00:00 GMT",
}
"""Headers with which a browser keeps a song for good and asks for it with its id."""
_HOP: Final = frozenset({"connection", "transfer-encoding", "keep-alive", "host"})


@dataclass(frozen=True)
class RecordedRequest:
    """A recorded request."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""


@dataclass
class Recorder:
    """Recorded requests, and responses by path: (status, headers, body)."""

    port: int
    station_port: int
    asked: list[RecordedRequest] = field(default_factory=list)
    own: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    def page(self, name: str, body: str) -> str:
        """Add a page to this server, which sets a cookie; return its path."""
        head = {"Content-Type": "text/html; charset=utf-8", "Set-Cookie": "fan=known; Path=/"}
        self.own[f"/{name}"] = (200, head, f"<!doctype html><title>{name}</title><body>{body}".encode())
        return f"/{name}"

    def of(self, path: str) -> list[RecordedRequest]:
        """Return the requests for a path."""
        return [one for one in self.asked if one.path.split("?")[0] == path]


@contextmanager
def recorder(port: int, station_port: int) -> Iterator[Recorder]:
    """Serve on ``port`` of this machine, and pass requests on to ``station_port``."""
    record = Recorder(port, station_port)

    class RecordingHandler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            path = self.path.split("?")[0]
            record.asked.append(
                RecordedRequest(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            )
            status, headers, body = record.own[path] if path in record.own else self._passed_on()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def _passed_on(self) -> tuple[int, dict[str, str], bytes]:
            line = HTTPConnection("127.0.0.1", record.station_port)
            try:
                sent = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                line.request(self.command, self.path, body or None, {**sent, "Host": f"127.0.0.1:{record.port}"})
                answer = line.getresponse()
                data = answer.read()
                return (
                    answer.status,
                    {name: value for name, value in answer.getheaders() if name.lower() not in _HOP},
                    data,
                )
            except OSError:
                return 502, {}, b""
            finally:
                line.close()

        def log_message(self, *_: Any) -> None:
            pass

    for method in ("GET", "POST", "HEAD", "OPTIONS"):
        setattr(RecordingHandler, f"do_{method}", RecordingHandler.answer)
    server = ThreadingHTTPServer(("127.0.0.1", port), RecordingHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield record
    finally:
        server.shutdown()
        server.server_close()
