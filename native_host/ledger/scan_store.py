"""Searches for the earlier rewards of a wallet.

How far each has come, what is left of it, and the payees that were derived for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from native_host.ledger.base import Rows

_POST: Final = "WHERE wallet = ? AND chain_id = ? AND settlement = ? AND epoch = ? AND server = ?"


@dataclass(frozen=True)
class Place:
    """One search: a wallet, by the first account of its words, on one network."""

    wallet: bytes
    chain_id: int
    settlement: bytes

    @property
    def key(self) -> tuple[bytes, int, bytes]:
        """The columns that name it."""
        return self.wallet, self.chain_id, self.settlement


@dataclass(frozen=True)
class Post:
    """A posted epoch that is still to be looked at.

    ``data`` is the hash of what was published, ``code`` why it could not be had.
    """

    epoch: int
    server: bytes
    data_hash: bytes
    code: str | None = None


class ScanStore(Rows):
    """Reads and changes of searches. Changes belong inside ``Ledger.write``."""

    def scan(self, place: Place) -> tuple[int, int] | None:
        """(last block whose posts are listed, posts listed so far) of a search; None where none has begun."""
        rows = self._rows(
            "SELECT listed_block, post_count FROM scans WHERE wallet = ? AND chain_id = ? AND settlement = ?",
            *place.key,
        )
        return (int(rows[0][0]), int(rows[0][1])) if rows else None

    def add_posts(self, place: Place, block: int, posts: Iterable[Post]) -> None:
        """Posts up to a block are to be looked at."""
        found = list(posts)
        for post in found:
            values = (*place.key, post.epoch, post.server, post.data_hash)
            self._change(
                "INSERT OR REPLACE INTO scan_posts (wallet, chain_id, settlement, epoch, server, data_hash) VALUES (?, ?, "
                "?, ?, ?, ?)",
                *values,
            )
        self._change(
            "INSERT INTO scans (wallet, chain_id, settlement, listed_block, post_count) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET "
            "listed_block = max(listed_block, excluded.listed_block), post_count = post_count + excluded.post_count",
            *place.key,
            block,
            len(found),
        )

    def posts(self, place: Place, limit: int, without: Iterable[bytes] = ()) -> list[Post]:
        """Posts that are left, none of the servers ``without``.

        The oldest of those that were never asked for, then the others by turn.
        """
        left_out = tuple(without)
        marks = ", ".join("?" * len(left_out))
        rows = self._rows(
            "SELECT epoch, server, data_hash, code FROM scan_posts WHERE wallet = ? AND chain_id = ? AND settlement = ? "  # noqa: S608
            f"AND server NOT IN ({marks}) ORDER BY retry_round, epoch, server LIMIT ?",
            *place.key,
            *left_out,
            limit,
        )
        return [Post(*row) for row in rows]

    def remaining_posts(self, place: Place) -> list[tuple[bytes, int, str | None]]:
        """(server, posts left, why its last one could not be had) of each server with posts that are left."""
        rows = self._rows(
            "SELECT server, count(*), max(code) FROM scan_posts WHERE wallet = ? AND chain_id = ? AND settlement = ? "
            "GROUP BY server",
            *place.key,
        )
        return [tuple(row) for row in rows]

    def last_retry_round(self, place: Place) -> int:
        """The latest turn at which posts could not be had."""
        query = (
            "SELECT coalesce(max(retry_round), 0) FROM scan_posts WHERE wallet = ? AND chain_id = ? AND settlement = ?"
        )
        return int(self._rows(query, *place.key)[0][0])

    def remove_post(self, place: Place, post: Post) -> None:
        """A post was looked at."""
        self._change(f"DELETE FROM scan_posts {_POST}", *place.key, post.epoch, post.server)  # noqa: S608

    def postpone_post(self, place: Place, post: Post, code: str, retry_round: int) -> None:
        """A post could not be had in this round: all others come before it is asked for again."""
        self._change(
            f"UPDATE scan_posts SET code = ?, retry_round = ? {_POST}",  # noqa: S608
            code,
            retry_round,
            *place.key,
            post.epoch,
            post.server,
        )

    def candidate_days(self, wallet: bytes, first: int, last: int) -> list[tuple[int, bytes, bytes]]:
        """(day since 1970, station, 24 payees of 20 bytes) that were derived for days of a span."""
        rows = self._rows(
            "SELECT day, station_address, payees FROM candidates WHERE wallet = ? AND day BETWEEN ? AND ?",
            wallet,
            first,
            last,
        )
        return [tuple(row) for row in rows]

    def add_candidates(self, wallet: bytes, day: int, station: bytes, payees: bytes) -> None:
        """Keep what the wallet derived for a station and a day."""
        self._change(
            "INSERT OR REPLACE INTO candidates (wallet, day, station_address, payees) VALUES (?, ?, ?, ?)",
            wallet,
            day,
            station,
            payees,
        )

    def drop_candidates(self, wallet: bytes, before: int) -> None:
        """Days before this one are not looked at any more."""
        self._change("DELETE FROM candidates WHERE wallet = ? AND day < ?", wallet, before)
