"""The extension's engine, which has no window, by Chromium's developer tools."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

from demo.waiting import TIMEOUT_S, wait_until

ARGUMENT: Final = "--remote-debugging-port=0"
ENGINE: Final = "/engine/offscreen.html"
WORKER: Final = "/background/worker.js"


class Devtools:
    """The browser's own debugging line; one call at a time."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._count = 0
        self._sessions: dict[str, str] = {}

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer. RuntimeError where the browser refuses it."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        self._line.send(json.dumps(message | ({"sessionId": session} if session else {})))
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            answer = json.loads(self._line.recv(timeout=max(0.1, deadline - time.monotonic())))
            if answer.get("id") != self._count:
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error'].get('message')}")
            return dict(answer["result"])

    @contextmanager
    def traced(self, categories: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        """Trace the whole browser; the list has the events of these categories once the block has ended.

        ``ts`` of an event: microseconds by CLOCK_MONOTONIC.
        """
        events: list[dict[str, Any]] = []
        self.call("Tracing.start", traceConfig={"includedCategories": list(categories)}, transferMode="ReturnAsStream")
        yield events
        self.call("Tracing.end")
        stream = self._event("Tracing.tracingComplete")["stream"]
        text = ""
        while True:
            piece = self.call("IO.read", handle=stream, size=1 << 24)
            text += piece["data"]
            if piece["eof"]:
                break
        self.call("IO.close", handle=stream)
        events += json.loads(text)["traceEvents"]

    def _event(self, method: str) -> dict[str, Any]:
        """Wait for an event; others are dropped."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            message = json.loads(self._line.recv(timeout=max(0.1, deadline - time.monotonic())))
            if message.get("method") == method:
                return dict(message["params"])

    def target(self, path: str) -> str | None:
        """The id of the target whose URL ends with ``path``, if there is one now."""
        found = self.call("Target.getTargets", filter=[{}])["targetInfos"]
        return next((str(info["targetId"]) for info in found if str(info["url"]).endswith(path)), None)

    def waited(self, path: str, other_than: str | None = None) -> str:
        """The same, once it is there and is another than ``other_than``. TimeoutError after a while."""

        def another() -> str | None:
            found = self.target(path)
            return None if found == other_than else found

        return str(wait_until(another, f"a target {path}"))

    def kill(self, path: str) -> str:
        """End a target the hard way; its id."""
        target = self.waited(path)
        self.call("Target.closeTarget", targetId=target)
        return target

    def session(self, target: str) -> str:
        """The debugging session with a target."""
        if target not in self._sessions:
            self._sessions[target] = str(self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        return self._sessions[target]

    def objects(self, path: str, kind: str, function: str) -> Any:
        """Result of a JavaScript function that gets the array of all living objects of a ``kind`` in a target."""
        session = self.session(self.waited(path))
        prototype = self.call("Runtime.evaluate", session, expression=f"{kind}.prototype")["result"]["objectId"]
        found = self.call("Runtime.queryObjects", session, prototypeObjectId=prototype, objectGroup="look")["objects"][
            "objectId"
        ]
        body = f"function () {{ return ({function})(this); }}"
        answer = self.call(
            "Runtime.callFunctionOn", session, objectId=found, functionDeclaration=body, returnByValue=True
        )
        self.call("Runtime.releaseObjectGroup", session, objectGroup="look")
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"])[:600])
        return answer["result"].get("value")

    def heap_mb(self, path: str) -> float:
        """JavaScript's heap of a target after a collection, in MB."""
        session = self.session(self.waited(path))
        self.call("HeapProfiler.collectGarbage", session)
        return float(self.call("Runtime.getHeapUsage", session)["usedSize"]) / 1e6


@contextmanager
def devtools(profile: Path) -> Iterator[Devtools]:
    """The line to a Chromium that runs with ``ARGUMENT`` and this profile."""
    file = profile / "DevToolsActivePort"
    # The browser writes it in its own time: it may answer its driver before.
    written = wait_until(lambda: file.read_text() if file.exists() else "", f"{file} is written")
    port, path = written.split("\n")[:2]
    with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as line:
        yield Devtools(line)
