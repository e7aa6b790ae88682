"""Interpreter of the transition table in Python, as extension/engine/playback/transitions.js."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pywallet.playback import BEGINS, transition_table

Result = dict[str, Any]


@dataclass
class Interpreter:
    """A session by its table; fields as in Transitions."""

    begins: str
    from_ms: int
    duration_ms: int
    table: dict[str, Any] = field(default_factory=transition_table)

    def __post_init__(self) -> None:
        """Enter the first state."""
        self.node = self.table["states"][self.table["start"]]
        self.position_ms = self.from_ms
        self.pending_ms: int | None = None
        self.code: str | None = None

    def step(self, event: str, position_ms: int | None = None, code: str | None = None) -> Result:
        """Apply an event; the state after it, and its commands."""
        given = max(0, min(self.position_ms if position_ms is None else position_ms, self.duration_ms))
        name = event
        if event == "problem":
            assert code is not None
            self.code = code
            name = "refused" if code.startswith(tuple(self.table["refusals"])) else "failed"
        elif event == "play" and not self.from_ms <= given < self.duration_ms:
            name = "play.outside"
        elif event == "play" and given == self.position_ms and "play.held" in self.node["on"]:
            name = "play.held"
        row = self.node["on"].get(name)
        return self._result([] if row is None else self._apply(name, row, given))

    def _apply(self, name: str, row: dict[str, Any], given: int) -> list[list[Any]]:
        positions = {
            "zero": 0,
            "from": self.from_ms,
            "now": self.position_ms,
            "given": given,
            "pending": self.pending_ms,
            "end": self.duration_ms,
        }
        commands = [
            [kind, self.code if kind == "report" else self.begins if action == BEGINS else action, positions[source]]
            for kind, action, source in row["commands"]
        ]
        self.pending_ms = None if row["pending_seek"] is None else positions[row["pending_seek"]]
        position = positions[row["position"]]
        assert position is not None
        self.position_ms = position
        self.node = self.table["states"][row["to"]]
        if name == "retry":
            self.code = None
        return commands

    def _result(self, commands: list[list[Any]]) -> Result:
        fields = {name: self.node[name] for name in ("state", "granted", "pending_pause", "play_after_seek", "held")}
        return {**fields, "position_ms": self.position_ms, "code": self.code, "commands": commands}
