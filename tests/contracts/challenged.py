"""A posted epoch, and the second from which it can be challenged."""

from __future__ import annotations

from tests.contracts.anvil_world import EPOCH, SCHEDULE, Book, World

ENDS = SCHEDULE.ends(EPOCH)
DUE = ENDS + SCHEDULE.grace


def posted(w: World, book: Book | None = None) -> Book:
    """Return a book that was posted at its epoch's end."""
    made = book or w.book()
    w.at(ENDS).post(made)
    return made
