"""Receipts from files: one JSON object per line or file, or a list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pywallet.errors import GomaaError, InputError
from pywallet.protocol import (
    Domain,
    Receipt,
    Signed,
    require_signer,
)


def read_all(places: Iterable[Path], domain: Domain) -> Iterator[Signed[Receipt]]:
    """Every receipt in files and folders (``*.json``, ``*.jsonl``) that its server has signed; others are ignored."""
    for place in places:
        for path in sorted(place.glob("*.json*")) if place.is_dir() else [place]:
            yield from _genuine(_objects(path), domain)


def _objects(path: Path) -> Iterator[Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError("message.schema", file=str(path), reason=type(error).__name__) from None
    try:
        whole = json.loads(text)
        yield from (
            whole.get("receipts", [whole]) if isinstance(whole, dict) else whole if isinstance(whole, list) else []
        )
        return
    except (ValueError, RecursionError):
        pass
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            continue


def _genuine(objects: Iterable[Any], domain: Domain) -> Iterator[Signed[Receipt]]:
    for item in objects:
        try:
            # As servers send it, with its detail, or alone.
            signed = Signed.from_json(
                Receipt, item["receipt"] if isinstance(item, dict) and "receipt" in item else item
            )
            require_signer(signed, domain, signed.message.server, "server.mismatch")
        except GomaaError:
            continue
        yield signed


def highest(receipts: Iterable[Signed[Receipt]]) -> dict[tuple[bytes, int], dict[bytes, Signed[Receipt]]]:
    """The highest receipt of each payee, which the server owes, by (server, epoch)."""
    out: dict[tuple[bytes, int], dict[bytes, Signed[Receipt]]] = {}
    for signed in receipts:
        message = signed.message
        by_payee = out.setdefault((message.server, message.epoch), {})
        if message.payee not in by_payee or by_payee[message.payee].message.amount < message.amount:
            by_payee[message.payee] = signed
    return out


def amounts(
    receipts: dict[tuple[bytes, int], dict[bytes, Signed[Receipt]]],
) -> dict[tuple[bytes, int], dict[bytes, int]]:
    """Amounts of ``highest``, wei."""
    return {
        key: {payee: signed.message.amount for payee, signed in by_payee.items()} for key, by_payee in receipts.items()
    }
