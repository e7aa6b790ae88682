"""Release of a recording: convert, publish, upload the keys, package, write a receipt.

Every step is idempotent, so an interrupted release is completed by running it again: a finished song is kept, an
existing contract is not made again (its address follows from owner and salt), uploads and packages can be repeated.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

from chain.deployment import Deployment
from pywallet.encoding.hex import checksum, from_hex, to_hex
from pywallet.errors import SENTENCES, GomaaError
from studio.batch import Failure, Job, Kept, attempt, convert_job
from studio.owner import FOLDER_SUFFIX, AtomicWrite, ContentKeys
from studio.publish import PublishResult, publish
from studio.reader import SongFile

STEPS: Final = ("convert", "contract", "keys", "packages", "receipt")

OnStep = Callable[[str, float | None], None]
"""Called with the current step and the share of it that is done (0 to 1), or None where it is unknown."""


@dataclass(frozen=True)
class ReleaseReceipt:
    """The result of a release, kept beside the song; ``files``: kind, path, size in bytes and SHA-256 of each file."""

    content: bytes
    salt: bytes
    """32 bytes; determines the address and, with the owner's key, the content keys. Public on the chain."""
    title: str
    artist: str
    owner: bytes
    chain_id: int
    policy_hash: bytes
    server: str
    created: bool
    transaction: bytes | None
    gas_used: int
    licensed: tuple[str, ...]
    unknown: tuple[str, ...]
    files: tuple[dict[str, Any], ...]
    released_s: int

    def to_json(self) -> dict[str, Any]:
        """JSON: bytes as hex, addresses with checksum."""
        out = {k: to_hex(v) if isinstance(v, bytes) else v for k, v in vars(self).items()}
        return {**out, "content": checksum(self.content), "owner": checksum(self.owner)}


async def release(
    job: Job, on_step: OnStep = lambda step, share: None, *, html: bool = True, exploded: bool = True
) -> ReleaseReceipt:
    """Release one recording; a repeated call continues an interrupted release and changes no finished one.

    Args:
        job: The recording and its terms.
        on_step: Progress.
        html: Write the HTML packaging.
        exploded: Write the exploded packaging.

    Raises:
        GomaaError: As ``studio.convert.convert`` and ``studio.publish.publish``.
    """
    await asyncio.to_thread(_convert, job, on_step)
    return await publish_and_package(
        job.output, job.owner_key, job.deployment, on_step, html=html, exploded=exploded, server_url=job.server.url
    )


async def publish_and_package(
    song: Path,
    owner_key: bytes,
    deployment: Deployment,
    on_step: OnStep = lambda step, share: None,
    *,
    html: bool = True,
    exploded: bool = True,
    renditions: tuple[str, ...] = (),
    server_url: str | None = None,
) -> ReleaseReceipt:
    """The steps after the conversion.

    Args:
        song: The converted file.
        owner_key: The owner's private key, 32 bytes.
        deployment: The network.
        on_step: Progress.
        html: Write the HTML packaging.
        exploded: Write the exploded packaging.
        renditions: Further encodings, for a song with one rendition.
        server_url: URL of the security server; None: the header's.
    """
    await asyncio.to_thread(_bundle, song, owner_key, renditions)
    on_step("contract", None)
    published = await publish(
        song, owner_key, deployment, server_url=server_url, on_step=lambda step: on_step(step, None)
    )
    on_step("packages", None)
    files = await asyncio.to_thread(packages, song, html, exploded)
    on_step("receipt", None)
    receipt = _receipt(song, published, files)
    with AtomicWrite(receipt_path(song), 0o644) as temporary:
        temporary.write_text(json.dumps(receipt.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return receipt


def _bundle(song: Path, owner_key: bytes, renditions: tuple[str, ...]) -> None:
    """Add renditions; must precede publication, because the published header lists them."""
    with SongFile(song) as opened:
        if not renditions or len(opened.header.renditions) > 1:
            return
    importlib.import_module("studio.renditions").bundle(song, song, owner_key, None, renditions)


def receipt_path(song: Path) -> Path:
    """Path of a song's receipt."""
    return song.with_name(song.name + ".receipt.json")


def _convert(job: Job, on_step: OnStep) -> None:
    def progress(done: float, total: float | None) -> None:
        on_step("convert", min(1.0, done / total) if total else None)

    on_step("convert", 0.0)
    outcome = attempt(job, lambda: None) or convert_job(job, progress)
    if isinstance(outcome, Failure):
        raise ConversionError(outcome)
    on_step("convert", 1.0 if not isinstance(outcome, Kept) else None)


class ConversionError(GomaaError):
    """A failed conversion, with its original message."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self._message = failure.message

    def __str__(self) -> str:
        return self._message


def packages(song: Path, html: bool, exploded: bool) -> list[tuple[str, Path]]:
    """Write the other packagings whose modules are installed; returns kind and path of each, the song first."""
    made: list[tuple[str, Path]] = [("sps", song)]
    if html and (writer := _writer("selfrender")) is not None:
        page = song.with_name(song.name + ".html")
        writer(song, page)
        made.append(("html", page))
    if exploded and (writer := _writer("exploded")) is not None:
        folder = song.with_suffix(FOLDER_SUFFIX)
        writer(song, folder)
        made.append(("exploded", folder))
    return made


def _writer(name: str) -> Callable[[Path, Path], Any] | None:
    try:
        module = importlib.import_module(f"studio.{name}")
    except ModuleNotFoundError:
        return None
    write: Callable[[Path, Path], Any] = module.write
    return write


def _receipt(song: Path, published: PublishResult, files: list[tuple[str, Path]]) -> ReleaseReceipt:
    with SongFile(song) as opened:
        header = opened.header
    earlier = _earlier_receipt(song)
    return ReleaseReceipt(
        content=header.content,
        salt=ContentKeys.load(ContentKeys.beside(song)).salt,
        title=header.title,
        artist=header.artist,
        owner=header.owner,
        chain_id=header.chain,
        policy_hash=header.policy_hash,
        server=header.server.url,
        created=published.created,
        transaction=published.transaction
        or (from_hex(str(earlier["transaction"]), 32) if earlier.get("transaction") else None),
        gas_used=published.gas_used or int(earlier.get("gas_used") or 0),
        licensed=published.licensed,
        unknown=published.unknown,
        files=tuple(_file_entry(kind, path) for kind, path in files),
        released_s=int(earlier.get("released_s") or time.time()),
    )


def _earlier_receipt(song: Path) -> dict[str, Any]:
    """The receipt of an earlier run, for its transaction; {} without one."""
    try:
        value = json.loads(receipt_path(song).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _file_entry(kind: str, path: Path) -> dict[str, Any]:
    """A receipt's entry of a file or folder."""
    if path.is_dir():
        parts = [part for part in sorted(path.rglob("*")) if part.is_file()]
        return {
            "kind": kind,
            "path": str(path),
            "size": sum(part.stat().st_size for part in parts),
            "files": len(parts),
        }
    with path.open("rb") as file:
        return {
            "kind": kind,
            "path": str(path),
            "size": path.stat().st_size,
            "sha256": file_digest(file, "sha256").hexdigest(),
        }


def summary(receipt: ReleaseReceipt) -> str:
    """The receipt as text for the terminal."""
    fields = receipt.to_json()
    made = f"made by {fields['transaction']} for {receipt.gas_used:,} gas" if receipt.created else "was there already"
    lines = [
        f"{receipt.title}, {receipt.artist}",
        f"Contract {fields['content']} on chain {receipt.chain_id}, {made}.",
        f"Owner    {fields['owner']}",
        f"Policy   {to_hex(receipt.policy_hash)}",
        f"Keys     with {receipt.server}",
        *(f"{row['kind']:<8} {row['path']}, {row['size']:,} bytes" for row in receipt.files),
    ]
    lines += [
        f"No registered station has the domain {domain}: release again once it does." for domain in receipt.unknown
    ]
    return "\n".join(lines)


def error_json(error: Exception) -> dict[str, str]:
    """An error as JSON: code and message."""
    if isinstance(error, GomaaError):
        return {"code": error.code, "message": str(error)}
    if isinstance(error, OSError):
        return {"code": "internal", "message": f"The computer says: {error.strerror or error}."}
    return {"code": "internal", "message": f"{SENTENCES['internal']} ({error})"}
