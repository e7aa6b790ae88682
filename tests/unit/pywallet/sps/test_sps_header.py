"""The signed header."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import cbor2
import pytest

from pywallet import crypto
from pywallet.encoding import cbor as strict
from pywallet.errors import GomaaError, InputError
from pywallet.policy import Policy
from pywallet.sps import Artwork, encode_header, open_header, sign_header


def resign(samples: SimpleNamespace, change: Callable[[dict[str, Any]], None]) -> bytes:
    """A header whose payload was changed and signed again by its owner, without the writer's checks."""
    from hashlib import sha256

    payload = cbor2.loads(encode_header(samples.header()))
    change(payload)
    raw = cbor2.dumps(payload, canonical=True)
    owner = crypto.address_of(samples.OWNER_KEY)
    protected = cbor2.dumps({1: -47, 3: "application/sps-header", 4: owner}, canonical=True)
    external = b"\x89SPS\r\n\x1a\n" + samples.CONTENT
    digest = sha256(cbor2.dumps(["Signature1", protected, external, raw], canonical=True)).digest()
    signature = crypto.sign(samples.OWNER_KEY, digest)[:64]
    return cbor2.dumps(cbor2.CBORTag(18, [protected, {}, raw, signature]), canonical=True)


def code_of(cose: bytes) -> str:
    """The code with which a header is refused."""
    with pytest.raises(GomaaError) as caught:
        open_header(cose)
    return caught.value.code


def test_opening_inverts_signing(samples: SimpleNamespace) -> None:
    """A field would change or be lost."""
    song = samples.header(
        isrc="DEXXX2600001",
        genre="Ambient",
        genre_confidence=61,
        loudness=-1432,
        loudness_range=740,
        true_peak=-103,
        artwork=Artwork(bytes(range(32)), "image/jpeg", 90_210, ("https://cdn.example/cover.jpg",)),
        watermark={"layers": ["ultrasonic", "inband"], "every": 1},
        renderer={"version": "1.2", "sha256": bytes(32)},
        delivery=("https://a.example/x/", "http://b.example:8080/x.sps?v=2"),
        renditions=(
            samples.rendition(),
            samples.rendition(id=2, bits=24),
            samples.rendition(id=3, codec="opus", bits=0),
        ),
    )
    assert open_header(sign_header(song, samples.OWNER_KEY)) == song


def test_the_writer_refuses_what_readers_refuse(samples: SimpleNamespace) -> None:
    """A header would be published that no player opens."""
    with pytest.raises(InputError) as caught:
        sign_header(samples.header(isrc="DE-XXX-26-00001"), samples.OWNER_KEY)
    assert caught.value.detail == {"field": "isrc"}


def test_a_title_in_any_script_is_kept(samples: SimpleNamespace) -> None:
    """A title with an ideographic space or combining marks would be refused."""
    title = "慢潮\u3000二〇二六 – Langsame Flut é 🎧"
    assert open_header(sign_header(samples.header(title=title), samples.OWNER_KEY)).title == title


def test_a_large_header_is_refused_by_its_limits() -> None:
    """A header would cost more time or memory than its limits."""
    bombs = {
        "too many entries": b"\x9a\x00\x3f\x00\x00" + bytes(0x3F0000),
        "too many items": b"\x86" + (b"\x9a\x00\x01\x86\xa0" + b"\x80" * 100_000) * 6,
        "a string too long": b"\x5a\x00\x01\x00\x01" + bytes(0x10001),
        "nested too deeply": b"\x81" * 17 + b"\x80",
    }
    for reason, data in bombs.items():
        with pytest.raises(InputError) as caught:
            strict.loads(data)
        assert caught.value.detail["reason"] == reason


def test_sixteen_levels_are_decoded() -> None:
    """The limit of depth would differ from the documented one."""
    assert strict.loads(b"\x81" * 15 + b"\x80") is not None


def test_a_map_of_too_many_pairs_is_refused() -> None:
    """A map of 1025 pairs would be decoded."""
    for count, good in ((1024, True), (1025, False)):
        data = strict.dumps({f"{i:04}": i for i in range(count)})
        if good:
            assert len(strict.loads(data)) == count
        else:
            with pytest.raises(InputError):
                strict.loads(data)


def test_the_policy_hash_is_that_of_the_parsed_policy(samples: SimpleNamespace) -> None:
    """The header's hash would differ from the contract's."""
    assert samples.header().policy_hash == Policy.from_dict(samples.POLICY).hash


def test_another_key_cannot_sign(samples: SimpleNamespace) -> None:
    """A header would be signed by another key than the owner's."""
    with pytest.raises(InputError, match=r"sps\.header\.signature"):
        sign_header(samples.header(), bytes(31) + b"\x07")


def test_a_header_for_another_content_does_not_verify(samples: SimpleNamespace) -> None:
    """A header could be used for another content."""
    cose = sign_header(samples.header(), samples.OWNER_KEY)
    assert code_of(cose.replace(samples.CONTENT, bytes(20))) == "sps.header.signature"


def test_a_header_naming_another_owner_is_refused(samples: SimpleNamespace) -> None:
    """A signature of another account would pass as the owner's."""
    cose = resign(samples, lambda payload: payload.update(owner=bytes(20)))
    assert code_of(cose) == "sps.header.signature"


def test_a_high_s_is_refused(samples: SimpleNamespace) -> None:
    """A header would have two valid forms."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    cose = sign_header(samples.header(), samples.OWNER_KEY)
    s = int.from_bytes(cose[-32:], "big")
    assert code_of(cose[:-32] + (order - s).to_bytes(32, "big")) == "sps.header.signature"


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_refused(samples: SimpleNamespace, version: int) -> None:
    """A header of another version would be parsed."""
    assert code_of(resign(samples, lambda payload: payload.update(v=version))) == "sps.version"


def test_an_unknown_field_is_kept(samples: SimpleNamespace) -> None:
    """A field of a later version would be lost."""
    header = open_header(resign(samples, lambda payload: payload.update(mood="calm")))
    assert header.extra["mood"] == "calm"


def test_an_unknown_critical_field_is_refused(samples: SimpleNamespace) -> None:
    """A critical field would be ignored."""
    assert code_of(resign(samples, lambda payload: payload.update(mood="calm", crit=["mood"]))) == "sps.header.critical"


def test_a_known_critical_field_is_accepted(samples: SimpleNamespace) -> None:
    """A known critical field would be refused."""
    assert open_header(resign(samples, lambda payload: payload.update(crit=["policy"]))).title == "Slow Tide"


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(payload: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        at: Any = payload
        for name in parents:
            at = at[int(name)] if isinstance(at, list) else at[name]
        if isinstance(at, list):
            at[int(last)] = value
        else:
            at[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("v", "1"),
        ("v", True),
        ("chain", 0),
        ("chain", -1),
        ("title", 7),
        ("title", "x" * 5000),
        ("title", "two\nlines"),
        ("title", ""),
        ("title", "a\u202eb"),
        ("policy", []),
        ("album", ""),
        ("isrc", "DE-XXX-26-00001"),
        ("isrc", "dexxx2600001"),
        ("genre", ""),
        ("genre_confidence", 5),
        ("loudness_range", -1),
        ("true_peak", 2001),
        ("artwork", {"sha256": bytes(31), "mime": "image/png", "size": 1}),
        ("artwork", {"sha256": bytes(32), "mime": "text/html", "size": 1}),
        ("artwork", {"sha256": bytes(32), "mime": "image/png", "size": 0}),
        ("artwork", {"sha256": bytes(32), "mime": "image/png", "size": 1, "urls": ["javascript:alert(1)"]}),
        ("watermark", {}),
        ("watermark", {"layers": []}),
        ("watermark", {"layers": ["inband", "inband"]}),
        ("renderer", {}),
        ("renderer", {"version": "latest"}),
        ("renderer", {"version": "1", "sha256": bytes(20)}),
        ("server.url", "ftp://security.example"),
        ("crit", []),
        ("crit", ["policy", "policy"]),
        ("crit", ["mood"]),
        ("crit", "policy"),
        ("renditions", []),
        ("server.address", bytes(19)),
        ("server.key", bytes(31)),
        ("waveform", bytes(1001)),
        ("loudness", 10**6),
        ("delivery", "https://cdn.example"),
        ("delivery", ["file:///etc/passwd"]),
        ("delivery", ["https://user@cdn.example/"]),
        ("delivery", ["https://cdn.example/#x"]),
        ("delivery", ["https://cdn.example/"] * 2),
        ("delivery", [f"https://cdn.example/{i}" for i in range(17)]),
        ("renditions.0.codec", "mp3"),
        ("renditions.0.samples", 1),
        ("renditions.0.root", bytes(32)),
        ("renditions.0.id", 1 << 16),
        ("renditions.0.init", [0, bytes(32)]),
        ("renditions.0.mime", "video/mp4"),
        ("renditions.0.segment_samples", 88_201),
        ("renditions.0.segments", []),
        ("renditions.0.segments.0", [28, 88_200, bytes(32)]),
        ("renditions.0.segments.0.1", 0),
        ("renditions.0.segments.0.2", bytes(31)),
        ("renditions.0.key_epochs", []),
        ("renditions.0.key_epochs", [[0, 1]]),
        ("renditions.0.key_epochs", [[0, 0], [1, 0]]),
        ("renditions.0.key_epochs", [[0, 0], [1, 3]]),
    ],
)
def test_a_wrong_field_is_malformed(samples: SimpleNamespace, path: str, value: Any) -> None:
    """A field of a wrong type or range would be accepted."""
    assert code_of(resign(samples, _set(path, value))) == "sps.header.malformed"


@pytest.mark.parametrize(
    "name", ["content", "owner", "title", "policy", "renditions", "server", "chain", "delivery", "renderer"]
)
def test_a_missing_field_is_malformed(samples: SimpleNamespace, name: str) -> None:
    """A missing field would be accepted."""
    assert code_of(resign(samples, lambda payload: payload.pop(name))) in (
        "sps.header.malformed",
        "sps.header.signature",
    )


@pytest.mark.parametrize(
    "data",
    [
        "a2616101616102",  # a key twice
        "a2616201616102",  # keys out of order
        "9f01ff",  # an indefinite list
        "bf616101ff",  # an indefinite map
        "5f4101ff",  # an indefinite byte string
        "1801",  # one in two bytes
        "190018",  # 24 in three bytes
        "f90000",  # a float
        "f7",  # undefined
        "c11a00000000",  # a date
        "d81c00",  # a shared reference
        "c249000000000000000001",  # a large number that is small
        "c24101",
        "0101",  # two items
        "61ff",  # not UTF-8
        "5b7fffffffffffffff",  # longer than memory
        "9b7fffffffffffffff",
        "bb7fffffffffffffff",
        "",
        "1c",  # a reserved length
        "81" * 400 + "00",
        "a1" * 3 + "00",
    ],
)
def test_strict_cbor_refuses_other_encodings(data: str) -> None:
    """Another encoding than the deterministic one would be accepted."""
    with pytest.raises(InputError, match=r"sps\.header\.malformed"):
        strict.loads(bytes.fromhex(data))


@pytest.mark.parametrize(
    "value",
    [0, 23, 24, 255, 256, 1 << 32, 1 << 64, (1 << 96) - 1, -1, -500, "é", b"\x00", [1, [2]], {"a": {"bb": None}}],
)
def test_strict_cbor_decoding_inverts_encoding(value: Any) -> None:
    """Plain data, or an integer above 64 bits, would change."""
    assert strict.loads(strict.dumps(value)) == value
