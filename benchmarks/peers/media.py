"""The peers' media from the same recording: DASH with ClearKey (cenc) and HLS with AES-128, both FLAC, 2 s segments."""

from __future__ import annotations

import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from demo.paths import ROOT

PACKAGER = ROOT / "node_modules" / "shaka-packager" / "bin" / "packager-linux-x64"
LIBRARIES = (
    ROOT / "node_modules" / "shaka-player" / "dist" / "shaka-player.compiled.js",
    ROOT / "node_modules" / "hls.js" / "dist" / "hls.min.js",
)
KEY_ID = "11111111222222223333333344444444"
KEY = "0123456789abcdef0123456789abcdef"
IV = "00112233445566778899aabbccddeeff"
SEGMENT_S = 2


def make(recording: Path, folder: Path) -> None:
    """Write ``folder``/peers with the page, the libraries and both packagings, and a plain file, of ``recording``."""
    out = folder / "peers"
    (out / "lib").mkdir(parents=True)
    for library in LIBRARIES:
        (out / "lib" / library.name).write_bytes(library.read_bytes())
    for page in ("peer.html", "peer.js", "measure.js", "seeks.js", "starts.js"):
        (out / page).write_bytes((Path(__file__).parent / page).read_bytes())
    _ffmpeg("-i", recording, "-c:a", "flac", "-strict", "-2", out / "plain.mp4")
    _dash(recording, out / "dash")
    _hls(recording, out / "hls")


def _ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True, capture_output=True)


def _dash(recording: Path, out: Path) -> None:
    out.mkdir()
    whole = out / "whole.mp4"
    _ffmpeg("-i", recording, "-c:a", "flac", "-strict", "-2", whole)
    subprocess.run(
        [
            PACKAGER,
            f"in={whole},stream=audio,init_segment={out}/init.mp4,segment_template={out}/$Number$.m4s",
            "--segment_duration",
            str(SEGMENT_S),
            "--generate_static_live_mpd",
            "--enable_raw_key_encryption",
            "--keys",
            f"label=:key_id={KEY_ID}:key={KEY}",
            "--protection_scheme",
            "cenc",
            "--clear_lead",
            "0",
            "--protection_systems",
            "Common",
            "--mpd_output",
            out / "index.mpd",
        ],
        check=True,
        capture_output=True,
    )
    whole.unlink()


def _hls(recording: Path, out: Path) -> None:
    out.mkdir()
    _ffmpeg(
        *(
            "-i",
            recording,
            "-c:a",
            "flac",
            "-strict",
            "-2",
            "-f",
            "hls",
            "-hls_time",
            str(SEGMENT_S),
            "-hls_playlist_type",
            "vod",
        ),
        *("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"),
        *("-hls_segment_filename", out / "%03d.m4s", out / "index.m3u8"),
    )
    (out / "key.bin").write_bytes(bytes.fromhex(KEY))
    for segment in out.glob("*.m4s"):
        pad = PKCS7(128).padder()
        encryptor = Cipher(algorithms.AES(bytes.fromhex(KEY)), modes.CBC(bytes.fromhex(IV))).encryptor()
        clear = pad.update(segment.read_bytes()) + pad.finalize()
        segment.write_bytes(encryptor.update(clear) + encryptor.finalize())
    playlist = out / "index.m3u8"
    lines = playlist.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("#EXT-X-MAP")) + 1
    lines.insert(at, f'#EXT-X-KEY:METHOD=AES-128,URI="key.bin",IV=0x{IV}')
    playlist.write_text("\n".join(lines) + "\n")
