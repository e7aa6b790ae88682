"""A simulated longer line: it loses nothing, and delays each request by the given time."""

from __future__ import annotations

import socket
import threading
import time

from benchmarks.far import far

DELAY_S = 0.05


def test_a_longer_line_delays_a_request_and_loses_nothing() -> None:
    """A server that answers each line with a long one.

    The whole answer arrives, one delay after its request.
    """
    answer = b"x" * 300_000
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                while line.recv(64):
                    line.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        with far(server.getsockname()[1], DELAY_S) as port, socket.create_connection(("127.0.0.1", port)) as line:
            for _ in range(2):
                began, got = time.monotonic(), 0
                line.sendall(b"?\n")
                while got < len(answer):
                    piece = line.recv(65536)
                    assert piece
                    got += len(piece)
                assert got == len(answer)
                assert time.monotonic() - began >= DELAY_S
