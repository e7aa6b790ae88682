"""Recovery scans: their progress, the posts that are left, and the payees that were derived for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from native_host.ledger.base import Rows

_POST: Final = "WHERE wallet = ? AND chain_id = ? AND settlement = ? AND epoch = ? AND server = ?"


@dataclass(frozen=True)
class ScanKey:
    """One scan: a wallet, by the first account of its words, on one network."""

    wallet: bytes
    chain_id: int
    settlement: bytes

    @property
    def key(self) -> tuple[bytes, int, bytes]:
        """Its primary key."""
        return self.wallet, self.chain_id, self.settlement


@dataclass(frozen=True)
class Post:
    """A posted epoch that is left to scan. ``data_hash``: of its published data; ``code``: why they are missing."""

    epoch: int
    server: bytes
    data_hash: bytes
    code: str | None = None


class ScanStore(Rows):
    """Reads and changes of scans. Changes belong inside ``Ledger.write``."""

    def scan(self, place: ScanKey) -> tuple[int, int] | None:
        """(last block whose posts are listed, posts listed so far); None for a scan that has not begun."""
        rows = self._rows(
            "SELECT listed_block, post_count FROM scans WHERE wallet = ? AND chain_id = ? AND settlement = ?",
            *place.key,
        )
        return (int(rows[0][0]), int(rows[0][1])) if rows else None

    def add_posts(self, place: ScanKey, block: int, posts: Iterable[Post]) -> None:
        """List the new posts up to a block."""
        found = list(posts)
        for post in found:
            values = (*place.key, post.epoch, post.server, post.data_hash)
            self._change(
                "INSERT OR REPLACE INTO scan_posts (wallet, chain_id, settlement, epoch, server, data_hash) "
                "VALUES (?, ?, ?, ?, ?, ?)",
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

    def posts(self, place: ScanKey, limit: int, without: Iterable[bytes] = ()) -> list[Post]:
        """Posts that are left, except of the servers ``without``: the oldest never tried, then the others by round."""
        left_out = tuple(without)
        marks = ", ".join("?" * len(left_out))
        rows = self._rows(
            "SELECT epoch, server, data_hash, code FROM scan_posts "  # noqa: S608
            f"WHERE wallet = ? AND chain_id = ? AND settlement = ? AND server NOT IN ({marks}) "
            "ORDER BY retry_round, epoch, server LIMIT ?",
            *place.key,
            *left_out,
            limit,
        )
        return [Post(*row) for row in rows]

    def remaining_posts(self, place: ScanKey) -> list[tuple[bytes, int, str | None]]:
        """(server, posts left, code of a failed one) by server."""
        rows = self._rows(
            "SELECT server, count(*), max(code) FROM scan_posts WHERE wallet = ? AND chain_id = ? AND settlement = ? "
            "GROUP BY server",
            *place.key,
        )
        return [tuple(row) for row in rows]

    def last_retry_round(self, place: ScanKey) -> int:
        """The latest round in which posts could not be had."""
        query = (
            "SELECT coalesce(max(retry_round), 0) FROM scan_posts WHERE wallet = ? AND chain_id = ? AND settlement = ?"
        )
        return int(self._rows(query, *place.key)[0][0])

    def remove_post(self, place: ScanKey, post: Post) -> None:
        """Remove a post that was scanned."""
        self._change(f"DELETE FROM scan_posts {_POST}", *place.key, post.epoch, post.server)  # noqa: S608

    def postpone_post(self, place: ScanKey, post: Post, code: str, retry_round: int) -> None:
        """Record why a post could not be had in a round: all others are tried before it is tried again."""
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
        """Keep the payees that the wallet derived for a station and a day."""
        self._change(
            "INSERT OR REPLACE INTO candidates (wallet, day, station_address, payees) VALUES (?, ?, ?, ?)",
            wallet,
            day,
            station,
            payees,
        )

    def drop_candidates(self, wallet: bytes, before: int) -> None:
        """Drop the candidates of days before one."""
        self._change("DELETE FROM candidates WHERE wallet = ? AND day < ?", wallet, before)
