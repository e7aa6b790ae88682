"""Key files: the owner's (one line of 0x-hex, mode 0600), a song's content keys; and atomic file replacement."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pywallet import crypto
from pywallet.encoding.hex import (
    from_b64,
    from_hex,
    to_b64,
    to_hex,
)
from pywallet.errors import InputError

FOLDER_SUFFIX: Final = ".segments"
"""Suffix of a song's exploded folder."""


def load_owner_key(path: Path) -> bytes:
    """Read the owner's private key, 32 bytes.

    Raises:
        InputError: ``message.schema``: not a key.
        OSError: The file cannot be read.
    """
    text = path.read_text(encoding="ascii", errors="replace").strip()
    try:
        key = from_hex(text if text.startswith("0x") else "0x" + text, 32)
        crypto.address_of(key)
    except (InputError, ValueError):
        # Never show the text: it may be a mistyped key.
        raise InputError("message.schema", file=path.name, reason="an owner's key is 0x and 64 hex digits") from None
    return key


def new_owner_key(path: Path) -> bytes:
    """Create a key file of mode 0600 with a random key, and return the key, 32 bytes.

    Raises:
        FileExistsError: The file exists.
    """
    key = crypto.random_bytes(32)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(to_hex(key) + "\n")
    return key


def is_private(path: Path) -> bool:
    """True if only its owner may read a file; always True on systems without mode bits."""
    return os.name != "posix" or path.stat().st_mode & 0o077 == 0


@dataclass(frozen=True)
class ContentKeys:
    """Content keys of a song.

    Attributes:
        content: Content address, 20 bytes.
        salt: Salt of the address, 32 bytes.
        keys: Content key (32 bytes) by key epoch.
    """

    content: bytes
    salt: bytes
    keys: dict[int, bytes]

    @staticmethod
    def beside(song: Path) -> Path:
        """Path of a song's key file: ``SONG.sps.key``, also for the exploded folder ``SONG.segments``."""
        name = song.stem + ".sps" if song.suffix == FOLDER_SUFFIX else song.name
        return song.with_name(name + ".key")

    def save(self, path: Path) -> None:
        """Write the file atomically, mode 0600."""
        value = {
            "content": to_hex(self.content),
            "salt": to_hex(self.salt),
            "keys": {str(epoch): to_b64(key) for epoch, key in sorted(self.keys.items())},
        }
        with AtomicWrite(path) as temporary:
            temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> ContentKeys:
        """Read a key file.

        Raises:
            InputError: ``message.schema``: not a content-key file.
            OSError: The file cannot be read.
        """
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            keys = {int(epoch): from_b64(key) for epoch, key in value["keys"].items()}
            if not keys or any(len(key) != 32 for key in keys.values()):
                raise ValueError
            return cls(from_hex(value["content"], 20), from_hex(value["salt"], 32), keys)
        except (ValueError, KeyError, TypeError, AttributeError, InputError):
            raise InputError("message.schema", file=path.name, reason="not a content-key file") from None


class AtomicWrite:
    """A temporary file that replaces ``target`` (with ``mode``) on success and is deleted on failure."""

    def __init__(self, target: Path, mode: int = 0o600) -> None:
        self._target, self._mode = target, mode
        self._temporary: Path | None = None

    def __enter__(self) -> Path:
        descriptor, name = tempfile.mkstemp(prefix=f".{self._target.name}.", dir=self._target.parent)
        os.close(descriptor)
        self._temporary = Path(name)
        return self._temporary

    def __exit__(self, kind: object, *_: object) -> None:
        assert self._temporary is not None
        if kind is not None:
            self._temporary.unlink(missing_ok=True)
            return
        with self._temporary.open("rb+") as file:
            os.fsync(file.fileno())
        self._temporary.chmod(self._mode)
        self._temporary.replace(self._target)
