"""The watermark identifies the content: in the player, and in a segment that a browser decrypted."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from demo.browsers.chromium import ChromiumView
from demo.fan import install_host, state_until
from pywallet.encoding.hex import checksum, from_hex
from pywallet.sps.container import MAGIC, PREFIX_SIZE, Container
from pywallet.sps.segments import segment_key
from pywallet.sps.signed_header import open_header, sign_header
from studio.owner import ContentKeys
from studio.reader import SongFile
from tests.e2e.world import FREE, BrowserWorld, press_play, shows, tone
from watermark.commands import watermark
from watermark.parameters import WatermarkParameters

OTHER = bytes([0x42]) * 20


@pytest.fixture(autouse=True)
def host(world: BrowserWorld) -> None:
    """Install the host, which every test here needs."""
    install_host(world.home, world.stack.folder / "deployment.json", world.browser.name)


def mark(source: Path, address: bytes) -> Path:
    """A recording with an address as its watermark."""
    out = source.with_suffix(".marked.wav")
    done = CliRunner().invoke(
        watermark, ["embed", str(source), "-o", str(out), "--address", checksum(address), "--layers", "ultrasonic"]
    )
    assert done.exit_code == 0, done.output
    return out


def read(path: Path) -> set[str]:
    """The addresses that ``gomaa watermark read`` finds."""
    done = CliRunner().invoke(watermark, ["read", str(path), "--json"])
    assert done.exit_code == 0, done.output
    return {found["address"].lower() for found in json.loads(done.output)["marks"]}


def test_the_player_finds_its_songs_address_in_the_sound(world: BrowserWorld) -> None:
    """A watermarked song plays, and the header's address is found in its first segment."""
    world.song("marked", seconds=12)
    page, player = world.open("marked")
    press_play(player)
    state_until(player, "playing")
    player.until("performance.getEntriesByName('gomaa.mark.match').length > 0")
    assert not player.exists(".alert")
    page.close()


def test_sound_that_names_another_song_is_refused(world: BrowserWorld) -> None:
    """The owner signs a header over somebody else's watermarked sound.

    It is stopped with its code, and recorded with amount zero.
    """
    sound = mark(tone(world.folder / "borrowed.wav", 16, 300), OTHER)
    # Without a hold: its sound would be looked at, and stopped, before the press.
    world.song("borrowed", "hold = false\n" + FREE, sound=sound, extra=("--no-watermark",))
    path = world.file("borrowed")
    whole = path.read_bytes()
    container = Container.read(whole)
    header = replace(open_header(container.cose), watermark=WatermarkParameters(44_100, ("ultrasonic",)).to_map())
    cose = sign_header(header, world.stack.owner_key)
    path.write_bytes(MAGIC + len(cose).to_bytes(4, "big") + cose + whole[PREFIX_SIZE + len(container.cose) :])
    page, player = world.open("borrowed")
    press_play(player)
    shows(player, "watermark.mismatch")
    page.close()


def test_a_segment_decrypted_in_the_browser_names_its_song(world: BrowserWorld) -> None:
    """The extension's own code decrypts a sealed segment in a page of the extension.

    The reader finds the address in the decrypted sound.
    """
    content = world.song("opened", seconds=12)
    with SongFile(world.file("opened")) as song:
        rendition = song.header.renditions[0]
        init, sealed, epoch = song.init(), song.segment(2), rendition.key_epoch(2)
    keys = ContentKeys.load(world.stack.folder / "made" / "opened.sps.key")
    secret = segment_key(keys.keys[epoch], rendition.id, 2)
    view = world.browser.extension_tab("popup/popup.html")
    if not isinstance(view, ChromiumView):
        view.close()
        return
    clear = view.page.evaluate(
        """async ([key, sealed, content, rendition, epoch]) => {
          const { unseal } = await import('/engine/playback/key_ring.js');
          const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
          const imported = await crypto.subtle.importKey('raw', bytes(key), 'AES-GCM', false, ['decrypt']);
          const address = { content: bytes(content), rendition, epochs: [[epoch, 0]] };
          const clear = new Uint8Array(await unseal(imported, bytes(sealed), address, 2));
          let text = '';
          for (const byte of clear) text += String.fromCharCode(byte);
          return btoa(text);
        }""",
        [*(base64.b64encode(part).decode() for part in (secret, sealed, content)), rendition.id, epoch],
    )
    view.close()
    out = world.folder / "segment.mp4"
    out.write_bytes(init + base64.b64decode(clear))
    assert read(out) == {"0x" + content.hex()}
    assert from_hex("0x" + content.hex(), 20) == content
