"""Screenshots stop where a language has no font, instead of drawing boxes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "ui_preview"))

from stage import NoFont, chromium, require_font

FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>"""


def test_a_machine_without_a_font_for_a_language_draws_no_boxes(tmp_path: Path) -> None:
    """With Latin fonts alone English is drawn, and for Chinese the script stops with a message."""
    config = tmp_path / "fonts.conf"
    config.write_text(FONTS.format(fonts="/usr/share/fonts/truetype/dejavu", cache=tmp_path / "cache"))
    with chromium({"FONTCONFIG_FILE": str(config)}) as stage:
        require_font(stage, "en")
        with pytest.raises(NoFont, match="apt-get install fonts-noto-cjk"):
            require_font(stage, "zh")
