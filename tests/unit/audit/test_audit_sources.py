"""Sources of published data: several servers publish under the same epoch numbers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit.sources import Sources, name_of
from tests.unit.audit.audit_book import honest, post

HERE, OTHER = b"\x01" * 20, b"\x02" * 20
EPOCH = 7


@dataclass(frozen=True)
class Post:
    """A post on the chain."""

    server: bytes = HERE
    epoch: int = EPOCH
    data: bytes = bytes(32)


def data_of(server: bytes, epoch: int = EPOCH) -> bytes:
    """The beginning of an epoch's data, which hashes to no post."""
    return b"GMED\x01" + server + epoch.to_bytes(8, "big") + b"rest"


class Answers(Sources):
    """Sources with scripted responses by URL."""

    answers: dict[str, bytes]

    async def _fetch(self, url: str, path: Path) -> bool:
        raw = self.answers.get(url.partition("/v1/")[0])
        if raw is not None:
            path.write_bytes(raw)
        return raw is not None


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        # The finding: while a server was down, another server's data of that epoch were held against it.
        ({"http://other": data_of(OTHER)}, None),
        ({"http://other": data_of(HERE, EPOCH + 1)}, None),
        ({"http://other": data_of(HERE)}, data_of(HERE)),
        # What the server itself answers is its own, whatever it is.
        ({"http://other": data_of(OTHER), "http://here": b"nothing"}, b"nothing"),
        ({"http://other": data_of(OTHER), "http://here": data_of(OTHER)}, data_of(OTHER)),
    ],
)
async def test_data_of_another_server_are_not_held_against_this_one(
    answers: dict[str, bytes], found: bytes | None
) -> None:
    async with Answers(("http://other/", "http://here"), {HERE: "http://here/"}.get) as sources:
        sources.answers = answers
        path = await sources.find(Post())
        assert (None if path is None else path.read_bytes()) == found


@pytest.mark.parametrize("keep", [False, True])
async def test_posts_that_name_the_same_data_are_fetched_apart(tmp_path: Path, keep: bool) -> None:
    """A server that posts one hash for two epochs would have one file written, read and deleted by two checks."""
    data = honest(30)
    wanted, kept = post(data).data, tmp_path / "kept"
    async with Answers(("http://here",), keep=kept if keep else None) as sources:
        sources.answers = {"http://here": data.encode()}
        found = await asyncio.gather(*(sources.find(Post(epoch=epoch, data=wanted)) for epoch in (7, 8)))
        first, second = (path for path in found if path is not None)
        sources.done(first)
        assert second.read_bytes() == data.encode()
    assert [path.name for path in kept.glob("*")] == [name_of(wanted)] * keep
