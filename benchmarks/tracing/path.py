"""The chain of marks that leads from the wish to the sound.

Walks back from the sound: what was received was posted by another context before, what ended or was answered was begun
in the same one, and everything else follows the mark before it in its context.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Final

from benchmarks.tracing.reader import Mark

BACKGROUND: Final = "background"
AT_BACKGROUND: Final = frozenset({"content", "frame", "screen", "host"})
"""Contexts whose messages all go through the background."""
STARTS: Final = (("ends ", "begins "), ("has response of ", "fetches "))
"""Beginnings of texts in one context: of an end, and of the start that belongs to it."""
WORKER_SIDES: Final = ("worker ", "document ")
"""Names of the channel between a worker and its document, on either side."""
_THREADS: Final = {"page": "content"}
"""Contexts that call each other in one task."""
PAIR: Final = "pair "
"""The channel between background and engine where both are one context (Firefox)."""


def path(marks: Sequence[Mark]) -> list[Mark]:
    """The chain from the first to the last mark.

    Args:
        marks: Marks of a click in order, the wish first and the sound last.
    """
    causes = _causes(marks)
    chain = [len(marks) - 1]
    while chain[-1] > 0:
        chain.append(causes[chain[-1]])
    return [marks[number] for number in reversed(chain)]


def _causes(marks: Sequence[Mark]) -> list[int]:
    """Index of the cause of each mark; 0 where it has none in the list."""
    contexts = {mark.context for mark in marks}
    open_: dict[tuple[str, str], deque[int]] = defaultdict(deque)
    latest: dict[str, int] = {}
    out: list[int] = []
    for number, mark in enumerate(marks):
        context = _THREADS.get(mark.context, mark.context)
        cause = latest.get(context, 0)
        if mark.text.startswith("receives "):
            message = _message(mark.text.removeprefix("receives "))
            senders = [mark.context] if message.startswith(PAIR) else _senders(mark.context, contexts)
            sources = [(context, f"posts {message}") for context in senders]
            cause = _first(open_, sources, cause)
        for end, start in STARTS:
            if mark.text.startswith(end):
                cause = _first(open_, [(mark.context, start + mark.text.removeprefix(end))], cause)
        out.append(cause)
        latest[context] = number
        text = f"posts {_message(mark.text.removeprefix('posts '))}" if mark.text.startswith("posts ") else mark.text
        open_[mark.context, text].append(number)
    return out


def _senders(receiver: str, contexts: Iterable[str]) -> list[str]:
    """Contexts that post to a receiver: to what has no worker of its own, only the background does."""
    return [BACKGROUND] if receiver in AT_BACKGROUND else [context for context in contexts if context != receiver]


def _message(text: str) -> str:
    for side in WORKER_SIDES:
        text = text.removeprefix(side)
    return text


def _first(open_: dict[tuple[str, str], deque[int]], sources: Sequence[tuple[str, str]], otherwise: int) -> int:
    """Take the earliest open mark of the sources: channels keep the order of messages."""
    found = [source for source in sources if open_[source]]
    return open_[min(found, key=lambda source: open_[source][0])].popleft() if found else otherwise
