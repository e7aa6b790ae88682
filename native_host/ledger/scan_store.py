"""Recovery scans: progress, posts that are left, and derived payees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from native_host.ledger.base import Rows

_POST: Final = "WHERE wallet = ? AND chain_id = ? AND settlement = ? AND epoch = ? AND server = ?"


@dataclass(frozen=True)
class ScanKey:
    """Primary key of a scan: the first account of a wallet, and a network."""

    wallet: bytes
    chain_id: int
    settlement: bytes

    @property
    def columns(self) -> tuple[bytes, int, bytes]:
        """Values of the key's columns."""
        return self.wallet, self.chain_id, self.settlement


@dataclass(frozen=True)
class Post:
    """A posted epoch that is left to scan.

    Attributes:
        epoch: Number of the epoch.
        server: Address of the server, 20 bytes.
        data_hash: Keccak-256 of its published data, 32 bytes.
        code: Code of the last failed download; None if there was none.
    """

    epoch: int
    server: bytes
    data_hash: bytes
    code: str | None = None


class ScanStore(Rows):
    """Reads and changes of scans. Changes belong inside ``Ledger.write``."""

    def scan_progress(self, scan: ScanKey) -> tuple[int, int] | None:
        """(last block whose posts are listed, posts listed so far); None for a scan that has not begun."""
        rows = self._rows(
            "SELECT listed_block, post_count FROM scans WHERE wallet = ? AND chain_id = ? AND settlement = ?",
            *scan.columns,
        )
        return (int(rows[0][0]), int(rows[0][1])) if rows else None

    def add_posts(self, scan: ScanKey, block: int, posts: Iterable[Post]) -> None:
        """List the new posts up to a block."""
        found = list(posts)
        for post in found:
            values = (*scan.columns, post.epoch, post.server, post.data_hash)
            self._change(
                "INSERT OR REPLACE INTO scan_posts (wallet, chain_id, settlement, epoch, server, data_hash) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                *values,
            )
        self._change(
            "INSERT INTO scans (wallet, chain_id, settlement, listed_block, post_count) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET "
            "listed_block = max(listed_block, excluded.listed_block), post_count = post_count + excluded.post_count",
            *scan.columns,
            block,
            len(found),
        )

    def posts(self, scan: ScanKey, limit: int, without: Iterable[bytes] = ()) -> list[Post]:
        """Posts that are left: those never tried first, then the others by round, each by epoch.

        Args:
            scan: The scan.
            limit: Posts at most.
            without: Servers whose posts are left out.
        """
        left_out = tuple(without)
        marks = ", ".join("?" * len(left_out))
        rows = self._rows(
            "SELECT epoch, server, data_hash, code FROM scan_posts "  # noqa: S608
            f"WHERE wallet = ? AND chain_id = ? AND settlement = ? AND server NOT IN ({marks}) "
            "ORDER BY retry_round, epoch, server LIMIT ?",
            *scan.columns,
            *left_out,
            limit,
        )
        return [Post(*row) for row in rows]

    def remaining_posts(self, scan: ScanKey) -> list[tuple[bytes, int, str | None]]:
        """(server, number of posts left, code of a failed one) by server."""
        rows = self._rows(
            "SELECT server, count(*), max(code) FROM scan_posts WHERE wallet = ? AND chain_id = ? AND settlement = ? "
            "GROUP BY server",
            *scan.columns,
        )
        return [tuple(row) for row in rows]

    def last_retry_round(self, scan: ScanKey) -> int:
        """The latest round in which downloads failed."""
        query = (
            "SELECT coalesce(max(retry_round), 0) FROM scan_posts WHERE wallet = ? AND chain_id = ? AND settlement = ?"
        )
        return int(self._rows(query, *scan.columns)[0][0])

    def remove_post(self, scan: ScanKey, post: Post) -> None:
        """Remove a post that was scanned."""
        self._change(f"DELETE FROM scan_posts {_POST}", *scan.columns, post.epoch, post.server)  # noqa: S608

    def postpone_post(self, scan: ScanKey, post: Post, code: str, retry_round: int) -> None:
        """Record a failed download, after which all other posts are tried before this one."""
        self._change(
            f"UPDATE scan_posts SET code = ?, retry_round = ? {_POST}",  # noqa: S608
            code,
            retry_round,
            *scan.columns,
            post.epoch,
            post.server,
        )

    def candidate_days(self, wallet: bytes, first: int, last: int) -> list[tuple[int, bytes, bytes]]:
        """(day since 1970, station, 24 payees of 20 bytes) derived for the days from ``first`` to ``last``."""
        rows = self._rows(
            "SELECT day, station_address, payees FROM candidates WHERE wallet = ? AND day BETWEEN ? AND ?",
            wallet,
            first,
            last,
        )
        return [tuple(row) for row in rows]

    def add_candidates(self, wallet: bytes, day: int, station: bytes, payees: bytes) -> None:
        """Store the payees that the wallet has derived for a station and a day."""
        self._change(
            "INSERT OR REPLACE INTO candidates (wallet, day, station_address, payees) VALUES (?, ?, ?, ?)",
            wallet,
            day,
            station,
            payees,
        )

    def drop_candidates(self, wallet: bytes, before: int) -> None:
        """Delete the payees derived for days before ``before``."""
        self._change("DELETE FROM candidates WHERE wallet = ? AND day < ?", wallet, before)
